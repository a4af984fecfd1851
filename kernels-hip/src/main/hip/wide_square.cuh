// Squares of 32 x 32 (wide_matrix.cuh), as matmul_tiles.cuh wants them.
#ifndef ANNEAL_WIDE_SQUARE_CUH
#define ANNEAL_WIDE_SQUARE_CUH

#include "wide_matrix.cuh"

typedef WideOperand SquareOperand;
typedef WideSums SquareSums;
static constexpr int SIDE = WIDE;
static constexpr int NUMBERS = WIDE_SUMS;

__device__ __forceinline__ int square_row() {
  return wide_row();
}
__device__ __forceinline__ int square_column(int i) {
  return wide_column() + wide_offset(i);
}

__device__ __forceinline__ void clear(SquareSums& sums) {
  sums.begin();
}

__device__ __forceinline__ SquareOperand load_square(const bf16* tile, int row, int column) {
  return load_wide<DEPTH>(tile, row, column);
}

// `columns`, a multiple of 8, are there.
__device__ __forceinline__ void store_square(bf16* to, const SquareSums& c, bool there,
                                             int columns) {
  UNROLL for (int i = 0; i < NUMBERS; i += 4) {
    uint2 four = make_uint2(pair(c.x[i], c.x[i + 1]), pair(c.x[i + 2], c.x[i + 3]));
    if (there && square_column(i) < columns) {
      *reinterpret_cast<uint2*>(to + square_column(i)) = four;
    }
  }
}

#endif
