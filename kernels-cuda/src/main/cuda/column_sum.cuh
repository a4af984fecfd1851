// The second half of sums over rows: `tiles` rows of partial sums become one row.
//
// Traffic: reads tiles * columns floats, once. A block of 1024 threads owns a column per lane;
// its warps take the tiles in turn, and their sums are added in the order of warps: a fixed tree,
// whatever runs first.
#ifndef ANNEAL_COLUMN_SUM_CUH
#define ANNEAL_COLUMN_SUM_CUH
#include "device.cuh"

// to[j] (+)= the sum over i < tiles of partial[i * stride + j], for j < columns.
__device__ __forceinline__ void sum_tiles(float* to, const float* partial, int tiles, int stride,
                                          int columns, bool accumulate) {
  static constexpr int WARPS = 1024 / WARP;
  __shared__ float sums[WARPS][WARP + 1];
  int lane = threadIdx.x % WARP;
  int warp = threadIdx.x / WARP;
  int column = blockIdx.x * WARP + lane;
  float sum = 0.0f;
  if (column < columns) {
    UNROLL_BY(4) for (int i = warp; i < tiles; i += WARPS) {
      sum += partial[(long long)i * stride + column];
    }
  }
  sums[warp][lane] = sum;
  __syncthreads();
  if (warp == 0 && column < columns) {
    sum = accumulate ? to[column] : 0.0f;
    for (int i = 0; i < WARPS; i++) {
      sum += sums[i][lane];
    }
    to[column] = sum;
  }
}

#endif
