// The three products of a linear layer on matrix units: version 4 of matmul.cu's, for tensors of bf16
// whose n and k are multiples of 8. What is computed is said there; dWeight is of floats. Stands in place
// of kernels-cuda's file of the same name, with the same kernels.
//
// A block of 256 threads computes 128 x 128 of C: on CDNA 4 waves 64 x 64 each, on RDNA 8 waves 32 x 64,
// in 64 registers of each lane. Each number that is read from shared memory is used 64 times and more,
// from memory 128 times. Tiles of 32 along the inner dimension come by registers, loaded while the
// tiles before are multiplied; where the inner dimension is not innermost in memory they are transposed
// on their way, so that all operands are read in the same way. One pair of tiles in shared memory,
// 18 to 20 KiB, and not two, since other blocks of the compute unit fill the wait better.
// Blocks go through C in columns of 8 tiles' height, so that those that run together share rows of A
// and columns of B in the second cache also where C is wide, as the vocabulary is.
#include "matrix.cuh"

static constexpr int DEPTH = 32;
static constexpr int TOGETHER = 16;

template <int COLUMNS>
using Place = Padded<COLUMNS>;

#include "narrow_square.cuh"
#include "matmul_tiles.cuh"

KERNEL(256)
matmul_forward_v4(bf16* out, const bf16* in, const bf16* weight, const bf16* bias, int m, int n,
                  int k) {
  SquareSums sums[I][J];
  BlockTile at;
  multiply_tiles<true, true>(sums, at, in, weight, m, n, k, 0, k);
  store(out, sums, at, bias, m, n);
}

KERNEL(256)
matmul_backward_input_v4(bf16* d_in, const bf16* d_out, const bf16* weight, int m, int n, int k) {
  SquareSums sums[I][J];
  BlockTile at;
  multiply_tiles<true, false>(sums, at, d_out, weight, m, k, n, 0, n);
  store(d_in, sums, at, nullptr, m, k);
}

// The part of the tokens that blockIdx.z names, a multiple of 32; with more than one part, sums go to
// `partial`, to be added by the next kernel.
KERNEL(256)
matmul_backward_weight_v4(float* d_weight, float* partial, const bf16* d_out, const bf16* in, int m,
                          int n, int k, int part, int accumulate) {
  SquareSums sums[I][J];
  BlockTile at;
  int first = blockIdx.z * part;
  multiply_tiles<false, false>(sums, at, d_out, in, n, k, m, first, lesser(m, first + part));
  if (gridDim.z == 1) {
    store(d_weight, sums, at, n, k, accumulate);
  } else {
    store(partial + (long long)blockIdx.z * n * k, sums, at, n, k, false);
  }
}
