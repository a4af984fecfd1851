// GlobalNorm: norm = sqrt(sum of squares over all elements of all gradients).
//
// Traffic: one read per element. Squares are summed over tiles of 8192 elements by a block each, and
// the tiles' sums in double precision by one block.
//
// v1  one launch per gradient, one element per load
// v2  one launch for all gradients, found in a table by their first tile; 128-bit packs
#include "device.cuh"

static constexpr int TILE = 8192;

KERNEL(256) squares_v1(float* partial, const float* x, long long n) {
  __shared__ float sums[WARP];
  long long first = (long long)blockIdx.x * TILE;
  int count = (int)(n - first < TILE ? n - first : TILE);
  float sum = 0.0f;
  for (int i = threadIdx.x; i < count; i += blockDim.x) {
    float g = x[first + i];
    sum = fmaf(g, g, sum);
  }
  sum = block_sum(sum, sums);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = sum;
  }
}

// One gradient of the table.
struct Gradient {
  const float* x;
  long long n;
  long long first_tile;
};

KERNEL(256) squares_v2(float* partial, const Gradient* gradients, int number) {
  __shared__ float sums[WARP];
  int low = 0;
  int high = number - 1;
  while (low < high) {
    int middle = (low + high + 1) / 2;
    if (gradients[middle].first_tile <= blockIdx.x) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  Gradient gradient = gradients[low];
  long long first = (blockIdx.x - gradient.first_tile) * TILE;
  long long rest = gradient.n - first;
  const float* x = gradient.x + first;
  float sum = 0.0f;
  if (rest >= TILE) {
    UNROLL_BY(4) for (int i = threadIdx.x * 4; i < TILE; i += blockDim.x * 4) {
      Pack<float> p = load_pack_once(x + i);
      UNROLL for (int k = 0; k < 4; k++) {
        sum = fmaf(p.v[k], p.v[k], sum);
      }
    }
  } else {
    for (int i = threadIdx.x; i < rest; i += blockDim.x) {
      float g = x[i];
      sum = fmaf(g, g, sum);
    }
  }
  sum = block_sum(sum, sums);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = sum;
  }
}

KERNEL(1024) norm_of_squares(float* norm, const float* partial, long long tiles) {
  __shared__ double sums[WARP];
  double sum = 0.0;
  for (long long i = threadIdx.x; i < tiles; i += blockDim.x) {
    sum += partial[i];
  }
  sum = warp_sum(sum);
  if (threadIdx.x % WARP == 0) {
    sums[threadIdx.x / WARP] = sum;
  }
  __syncthreads();
  if (threadIdx.x < WARP) {
    sum = warp_sum(threadIdx.x < blockDim.x / WARP ? sums[threadIdx.x] : 0.0);
    if (threadIdx.x == 0) {
      norm[0] = (float)sqrt(sum);
    }
  }
}
