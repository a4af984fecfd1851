// Quantize: scale = (the largest size of an element of in) / (the largest number of the format), 1 when
// all are zero; out = in / scale in 8 bits, and transposed the same with rows and columns exchanged; one
// of the two may be null. in (m, k), out (m, k), transposed (k, m).
//
// Traffic: two reads of in, and one write of a byte for each result. The largest is found by blocks, then
// among the blocks' largest: no atomics, and no order that could matter. NaN is larger than all.
//
// v1  one element per thread; its transposed writes are a column apart. Also stores floats, to compare
// v2  a block brings 64 x 64 elements by 128-bit packs, writes them, and by shared memory writes their
//     transpose by 128 bits, too
#include "fp8.cuh"

static constexpr int CHUNK = 8192;

__device__ __forceinline__ float size_of(real x) {
  return __uint_as_float(__float_as_uint(to_float(x)) & 0x7fffffffu);
}

KERNEL(256) largest_of_chunks(float* partial, const real* in, long long n) {
  __shared__ float maxima[WARP];
  long long first = (long long)blockIdx.x * CHUNK;
  long long rest = n - first;
  const real* x = in + first;
  float max = 0.0f;
  if (rest >= CHUNK) {
    for (int i = threadIdx.x * PACK; i < CHUNK; i += blockDim.x * PACK) {
      Pack<real> p = load_pack(x + i);
      UNROLL for (int j = 0; j < PACK; j++) {
        max = larger(max, size_of(p.v[j]));
      }
    }
  } else {
    for (int i = threadIdx.x; i < rest; i += blockDim.x) {
      max = larger(max, size_of(x[i]));
    }
  }
  max = block_max(max, maxima);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = max;
  }
}

KERNEL(1024)
scale_of_largest(float* scale, const float* partial, long long chunks, float largest_number) {
  __shared__ float maxima[WARP];
  float max = 0.0f;
  for (long long i = threadIdx.x; i < chunks; i += blockDim.x) {
    max = larger(max, partial[i]);
  }
  max = block_max(max, maxima);
  if (threadIdx.x == 0) {
    scale[0] = max == 0.0f ? 1.0f : max / largest_number;
  }
}

KERNEL(256)
quantize_v1(void* out, void* transposed, const float* scale, const real* in, int m, int k,
            int format) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= (long long)m * k) {
    return;
  }
  float x = to_float(in[i]) / scale[0];
  long long across = i % k * m + i / k;
  if (format == FLOATS) {
    if (out) {
      static_cast<float*>(out)[i] = x;
    }
    if (transposed) {
      static_cast<float*>(transposed)[across] = x;
    }
    return;
  }
  uint8 eight = eight_of(x, format);
  if (out) {
    static_cast<uint8*>(out)[i] = eight;
  }
  if (transposed) {
    static_cast<uint8*>(transposed)[across] = eight;
  }
}

static constexpr int TILE = 64;

// blockIdx.x: 64 columns, blockIdx.y: 64 rows.
KERNEL(256)
quantize_v2(uint8* out, uint8* transposed, const float* scale, const real* in, int m, int k,
            int format) {
  // Four bytes between rows: columns of sixteen rows then begin in different banks.
  __shared__ uint8 tile[TILE][TILE + 4];
  static constexpr int PACKS = TILE / PACK;
  int first_row = blockIdx.y * TILE;
  int first_column = blockIdx.x * TILE;
  float by = scale[0];
  bool aligned = k % PACK == 0;
  for (int i = threadIdx.x; i < TILE * PACKS; i += blockDim.x) {
    int row = i / PACKS;
    int column = i % PACKS * PACK;
    int count = lesser(PACK, k - first_column - column);
    if (first_row + row >= m || count <= 0) {
      continue;
    }
    long long at = (long long)(first_row + row) * k + first_column + column;
    Pack<real> x = load_some(in + at, count, aligned);
    UNROLL for (int j = 0; j < PACK; j++) {
      uint8 eight = eight_of(x.get(j) / by, format);
      tile[row][column + j] = eight;
      if (out && j < count) {
        out[at + j] = eight;
      }
    }
  }
  __syncthreads();
  if (!transposed) {
    return;
  }
  int column = threadIdx.x / 4;
  int row = threadIdx.x % 4 * 16;
  int count = lesser(16, m - first_row - row);
  if (first_column + column >= k || count <= 0) {
    return;
  }
  uint8* to = transposed + (long long)(first_column + column) * m + first_row + row;
  if (m % 16 == 0) {
    uint32 words[4];
    UNROLL for (int w = 0; w < 4; w++) {
      words[w] = 0;
      UNROLL for (int j = 0; j < 4; j++) {
        words[w] |= (uint32)tile[row + 4 * w + j][column] << 8 * j;
      }
    }
    *reinterpret_cast<uint4*>(to) = make_uint4(words[0], words[1], words[2], words[3]);
  } else {
    for (int j = 0; j < count; j++) {
      to[j] = tile[row + j][column];
    }
  }
}
