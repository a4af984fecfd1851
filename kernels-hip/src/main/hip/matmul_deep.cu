// The three products of a linear layer on matrix units, with tiles 64 deep: version 5 of matmul.cu's, for
// tensors of bf16 whose n and k are multiples of 8. What is computed is said there; dWeight is of floats.
//
// Traffic is that of version 4 (matmul_mma.cu), as are blocks of 256 threads for 128 x 128 of C and the order
// in which they go through C. What differs: tiles are 64 deep and not 32, so that a block waits half as
// often, and twice as many loads are on their way while it multiplies; they lie without padding
// (swizzled.cuh), so that a pair takes 32 KiB and two blocks share a compute unit; and on CDNA a wave's
// 64 x 64 are products of 32 x 32 (wide_matrix.cuh): half as many instructions, and reads of 16 bytes.
//
// docs/measured/hip-registers.md has the registers: none spills, and two blocks have room.
#include "swizzled.cuh"

static constexpr int DEPTH = 64;
static constexpr int TOGETHER = 32;

template <int COLUMNS>
using Place = Swizzled<COLUMNS>;

#if defined(MATRIX_MFMA)
#include "wide_square.cuh"
#else
#include "narrow_square.cuh"
#endif
#include "matmul_tiles.cuh"

KERNEL(256, 2)
matmul_forward_v5(bf16* out, const bf16* in, const bf16* weight, const bf16* bias, int m, int n,
                  int k) {
  SquareSums sums[I][J];
  BlockTile at;
  multiply_tiles<true, true>(sums, at, in, weight, m, n, k, 0, k);
  store(out, sums, at, bias, m, n);
}

KERNEL(256, 2)
matmul_backward_input_v5(bf16* d_in, const bf16* d_out, const bf16* weight, int m, int n, int k) {
  SquareSums sums[I][J];
  BlockTile at;
  multiply_tiles<true, false>(sums, at, d_out, weight, m, k, n, 0, n);
  store(d_in, sums, at, nullptr, m, k);
}

// The part of the tokens that blockIdx.z names, a multiple of 64; with more than one part, sums go to
// `partial`, to be added by matmul_backward_weight_sum_v4.
KERNEL(256, 2)
matmul_backward_weight_v5(float* d_weight, float* partial, const bf16* d_out, const bf16* in, int m,
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
