// Squares of 16 x 16 (matrix.cuh), as matmul_tiles.cuh wants them.
#ifndef ANNEAL_NARROW_SQUARE_CUH
#define ANNEAL_NARROW_SQUARE_CUH

typedef Operand SquareOperand;
typedef Sums SquareSums;
static constexpr int SIDE = 16;
static constexpr int NUMBERS = SUMS;

__device__ __forceinline__ int square_row() {
  return own_row();
}
__device__ __forceinline__ int square_column(int i) {
  return own_column(i);
}

__device__ __forceinline__ void clear(SquareSums& sums) {
  sums.fill(0.0f);
}

__device__ __forceinline__ SquareOperand load_square(const bf16* tile, int row, int column) {
  SquareOperand to;
  UNROLL for (int i = 0; i < CHUNKS; i++) {
    int there = Place<DEPTH>::at(own_row(), column + first_inner() + CHUNK * i);
    to.chunks[i] = *reinterpret_cast<const Chunk*>(tile + there + row * Place<DEPTH>::STRIDE);
  }
  return to;
}

__device__ __forceinline__ void store_square(bf16* to, const SquareSums& c, bool there,
                                             int columns) {
  store_result(to, c, there, columns);
}

#endif
