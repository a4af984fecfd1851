// BiasBackward: dBias (+)= sum over rows of dOut. dOut (rows, n).
// Bias forward: out += bias in every row, after a product that a library makes without. out (rows, n).
//
// Traffic: one read per element; forward one write, too, which a library's epilogue saves.
//
// v1  one thread per column walks down all rows; forward one 128-bit pack per thread
// v2  a warp reads a pack per lane side by side, blocks take tiles of rows; its warps' sums are added
//     in order, then the tiles' in order
#include "column_sum.cuh"

KERNEL(256)
bias_backward_v1(float* d_bias, const real* d_out, int rows, int n, int accumulate) {
  int j = blockIdx.x * blockDim.x + threadIdx.x;
  if (j >= n) {
    return;
  }
  float sum = accumulate ? d_bias[j] : 0.0f;
  for (int row = 0; row < rows; row++) {
    sum += to_float(d_out[(long long)row * n + j]);
  }
  d_bias[j] = sum;
}

// Block (x, y) sums rows [y * rows_per_block, ...) of WARP PACK columns from x * WARP PACK on.
KERNEL(256)
bias_backward_v2(float* partial, const real* d_out, int rows, int n, int rows_per_block) {
  static constexpr int WARPS = 256 / WARP;
  __shared__ float sums[WARPS][WARP * PACK];
  int lane = threadIdx.x % WARP;
  int warp = threadIdx.x / WARP;
  int column = (blockIdx.x * WARP + lane) * PACK;
  int count = lesser(PACK, n - column);
  bool aligned = n % PACK == 0;
  float sum[PACK];
  UNROLL for (int k = 0; k < PACK; k++) {
    sum[k] = 0.0f;
  }
  int first = blockIdx.y * rows_per_block;
  int end = lesser(rows, first + rows_per_block);
  if (count > 0) {
    UNROLL_BY(4) for (int row = first + warp; row < end; row += WARPS) {
      Pack<real> d = load_some(d_out + (long long)row * n + column, count, aligned);
      UNROLL for (int k = 0; k < PACK; k++) {
        sum[k] += d.get(k);
      }
    }
  }
  // Pack element k of all lanes lies side by side, so that lanes meet no bank conflict.
  UNROLL for (int k = 0; k < PACK; k++) {
    sums[warp][k * WARP + lane] = sum[k];
  }
  __syncthreads();
  for (int i = threadIdx.x; i < WARP * PACK; i += blockDim.x) {
    float total = 0.0f;
    UNROLL for (int w = 0; w < WARPS; w++) {
      total += sums[w][i];
    }
    int j = (blockIdx.x * WARP + i % WARP) * PACK + i / WARP;
    if (j < n) {
      partial[(long long)blockIdx.y * n + j] = total;
    }
  }
}

KERNEL(1024)
bias_backward_sum_v2(float* d_bias, const float* partial, int tiles, int n, int accumulate) {
  sum_tiles(d_bias, partial, tiles, n, n, accumulate);
}

KERNEL(256) bias_forward_v1(real* out, const real* bias, long long elements, int n) {
  long long i = ((long long)blockIdx.x * blockDim.x + threadIdx.x) * PACK;
  if (n % PACK == 0 && i < elements) {
    Pack<real> x = load_pack(out + i);
    Pack<real> b = load_pack(bias + i % n);
    UNROLL for (int k = 0; k < PACK; k++) {
      x.set(k, x.get(k) + b.get(k));
    }
    store_pack(out + i, x);
    return;
  }
  for (int k = 0; k < PACK && i < elements; k++, i++) {
    out[i] = rounded<real>(to_float(out[i]) + to_float(bias[i % n]));
  }
}
