// What matmul_mma.cu of every vendor has: which part of C a block computes, and the sum of the parts that
// blocks made of dWeight.
#ifndef ANNEAL_MATMUL_BLOCK_CUH
#define ANNEAL_MATMUL_BLOCK_CUH

#include "device.cuh"

static constexpr int TILE = 128;
static constexpr int GROUP = 8;

// Which tile of C this block computes: its first row and column.
struct BlockTile {
  int row, column;

  __device__ __forceinline__ BlockTile() {
    int block = blockIdx.y * gridDim.x + blockIdx.x;
    int group = block / (GROUP * gridDim.x) * GROUP;
    int height = lesser(GROUP, gridDim.y - group);
    int inside = block - group * gridDim.x;
    row = (group + inside % height) * TILE;
    column = inside / height * TILE;
  }
};

// dWeight (+)= the parts, in order; a thread has four numbers.
KERNEL(256)
matmul_backward_weight_sum_v4(float* d_weight, const float* partial, long long elements, int parts,
                              int accumulate) {
  long long i = ((long long)blockIdx.x * blockDim.x + threadIdx.x) * Pack<float>::N;
  if (i >= elements) {
    return;
  }
  Pack<float> sum = load_pack_once(partial + i);
  for (int p = 1; p < parts; p++) {
    Pack<float> next = load_pack_once(partial + p * elements + i);
    UNROLL for (int c = 0; c < Pack<float>::N; c++) {
      sum.v[c] += next.v[c];
    }
  }
  if (accumulate) {
    Pack<float> before = load_pack(d_weight + i);
    UNROLL for (int c = 0; c < Pack<float>::N; c++) {
      sum.v[c] += before.v[c];
    }
  }
  store_pack(d_weight + i, sum);
}

#endif
