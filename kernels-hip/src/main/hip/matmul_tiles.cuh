// A block's 128 x 128 of C, by tiles in shared memory: what the versions of the products of a linear layer on
// matrix units share. Each says before it includes this how deep a tile is (DEPTH), where its numbers are in
// shared memory (Place) and how many patches of a tile that is transposed lie below each other in a wave
// (TOGETHER), and what squares a wave multiplies: SIDE, how many NUMBERS of a result a lane has and in which
// square_row() and square_column(), and how they are cleared, loaded and stored.
#ifndef ANNEAL_MATMUL_TILES_CUH
#define ANNEAL_MATMUL_TILES_CUH

#include "matmul_block.cuh"
#include "matrix.cuh"

static constexpr int THREADS = 256;
static constexpr int WAVES = THREADS / WARP;

// A wave's part of the tile, in squares.
static constexpr int WAVES_ACROSS = 2;
static constexpr int WAVE_ROWS = TILE / (WAVES / WAVES_ACROSS);
static constexpr int WAVE_COLUMNS = TILE / WAVES_ACROSS;
static constexpr int I = WAVE_ROWS / SIDE;
static constexpr int J = WAVE_COLUMNS / SIDE;

__device__ __forceinline__ int wave_row() {
  return threadIdx.x / WARP / WAVES_ACROSS * WAVE_ROWS;
}

__device__ __forceinline__ int wave_column() {
  return threadIdx.x / WARP % WAVES_ACROSS * WAVE_COLUMNS;
}

// DEPTH inner and 128 outer indices of a matrix on their way to a tile whose rows are the outer ones.
// INNER: the inner dimension is innermost in memory; else the tile is transposed on its way.
template <bool INNER>
struct TileBringer {
  Bringer<INNER ? TILE : DEPTH, INNER ? DEPTH : TILE, THREADS, INNER ? 1 : TOGETHER> bringer;

  __device__ __forceinline__ void load(const bf16* matrix, int outer_first, int outers, int inner,
                                       int inner_end, int inners) {
    if (INNER) {
      bringer.load(matrix + (long long)outer_first * inners + inner, inners, outers - outer_first,
                   inner_end - inner);
    } else {
      bringer.load(matrix + (long long)inner * outers + outer_first, outers, inner_end - inner,
                   outers - outer_first);
    }
  }

  __device__ __forceinline__ void store(bf16* tile) const {
    if (INNER) {
      bringer.template store<Place<DEPTH>>(tile);
    } else {
      bringer.template store_transposed<Place<DEPTH>>(tile);
    }
  }
};

// sums = the tile of C at `at` over the inner indices [first, end).
template <bool A_INNER, bool B_INNER>
__device__ __forceinline__ void multiply_tiles(SquareSums (&sums)[I][J], const BlockTile& at,
                                               const bf16* a, const bf16* b, int m, int n,
                                               int inner, int first, int end) {
  __shared__ __align__(16) bf16 a_tile[TILE * Place<DEPTH>::STRIDE];
  __shared__ __align__(16) bf16 b_tile[TILE * Place<DEPTH>::STRIDE];
  TileBringer<A_INNER> bring_a;
  TileBringer<B_INNER> bring_b;
  UNROLL for (int i = 0; i < I; i++) {
    UNROLL for (int j = 0; j < J; j++) {
      clear(sums[i][j]);
    }
  }
  bring_a.load(a, at.row, m, first, end, inner);
  bring_b.load(b, at.column, n, first, end, inner);
  for (int k = first; k < end; k += DEPTH) {
    __syncthreads();
    bring_a.store(a_tile);
    bring_b.store(b_tile);
    __syncthreads();
    if (k + DEPTH < end) {
      bring_a.load(a, at.row, m, k + DEPTH, end, inner);
      bring_b.load(b, at.column, n, k + DEPTH, end, inner);
    }
    UNROLL for (int d = 0; d < DEPTH; d += 16) {
      SquareOperand rows[I];
      UNROLL for (int i = 0; i < I; i++) {
        rows[i] = load_square(a_tile, wave_row() + SIDE * i, d);
      }
      UNROLL for (int j = 0; j < J; j++) {
        SquareOperand columns = load_square(b_tile, wave_column() + SIDE * j, d);
        UNROLL for (int i = 0; i < I; i++) {
          multiply_add(sums[i][j], rows[i], columns);
        }
        keep_order();
      }
    }
  }
}

// Writes C, rounded, with `bias` added where there is one.
__device__ __forceinline__ void store(bf16* out, SquareSums (&sums)[I][J], const BlockTile& at,
                                      const bf16* bias, int m, int n) {
  UNROLL for (int j = 0; j < J; j++) {
    int first = at.column + wave_column() + SIDE * j;
    if (bias) {
      UNROLL for (int s = 0; s < NUMBERS; s++) {
        int column = first + square_column(s);
        float added = column < n ? to_float(bias[column]) : 0.0f;
        UNROLL for (int i = 0; i < I; i++) {
          sums[i][j].x[s] += added;
        }
      }
    }
    UNROLL for (int i = 0; i < I; i++) {
      int row = at.row + wave_row() + SIDE * i + square_row();
      store_square(out + (long long)row * n + first, sums[i][j], row < m, n - first);
    }
  }
}

// Writes C, or adds to it.
__device__ __forceinline__ void store(float* out, const SquareSums (&sums)[I][J],
                                      const BlockTile& at, int m, int n, bool accumulate) {
  UNROLL for (int i = 0; i < I; i++) {
    int row = at.row + wave_row() + SIDE * i + square_row();
    UNROLL for (int j = 0; j < J; j++) {
      UNROLL for (int s = 0; s < NUMBERS; s++) {
        int column = at.column + wave_column() + SIDE * j + square_column(s);
        if (row < m && column < n) {
          float* to = out + (long long)row * n + column;
          *to = accumulate ? *to + sums[i][j].x[s] : sums[i][j].x[s];
        }
      }
    }
  }
}

#endif
