// BiasBackward: dBias (+)= sum over rows of dOut. dOut (rows, n).
//
// Traffic: one read per element.
//
// v1  one thread per column walks down all rows
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
