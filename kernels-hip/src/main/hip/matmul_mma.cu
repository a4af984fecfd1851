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
#include "matmul_block.cuh"
#include "matrix.cuh"

static constexpr int THREADS = 256;
static constexpr int WAVES = THREADS / WARP;
static constexpr int DEPTH = 32;

// A wave's part of the tile, in results of 16 x 16.
static constexpr int WAVES_ACROSS = 2;
static constexpr int WAVE_ROWS = TILE / (WAVES / WAVES_ACROSS);
static constexpr int WAVE_COLUMNS = TILE / WAVES_ACROSS;
static constexpr int I = WAVE_ROWS / 16;
static constexpr int J = WAVE_COLUMNS / 16;

__device__ __forceinline__ int wave_row() {
  return threadIdx.x / WARP / WAVES_ACROSS * WAVE_ROWS;
}

__device__ __forceinline__ int wave_column() {
  return threadIdx.x / WARP % WAVES_ACROSS * WAVE_COLUMNS;
}

// DEPTH inner and 128 outer indices of a matrix on their way to a tile whose rows are the outer ones.
// INNER: the inner dimension is innermost in memory.
template <bool INNER>
struct TileBringer {
  Bringer<INNER ? TILE : DEPTH, INNER ? DEPTH : TILE, THREADS, INNER ? 1 : 16> bringer;

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
      bringer.store(tile);
    } else {
      bringer.store_transposed(tile);
    }
  }
};

// sums = the tile of C at `at` over the inner indices [first, end).
template <bool A_INNER, bool B_INNER>
__device__ __forceinline__ void multiply_tiles(Sums (&sums)[I][J], const BlockTile& at,
                                               const bf16* a, const bf16* b, int m, int n,
                                               int inner, int first, int end) {
  __shared__ __align__(16) bf16 a_tile[TILE * (DEPTH + PAD)];
  __shared__ __align__(16) bf16 b_tile[TILE * (DEPTH + PAD)];
  TileBringer<A_INNER> bring_a;
  TileBringer<B_INNER> bring_b;
  UNROLL for (int i = 0; i < I; i++) {
    UNROLL for (int j = 0; j < J; j++) {
      sums[i][j].fill(0.0f);
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
      Operand rows[I];
      UNROLL for (int i = 0; i < I; i++) {
        rows[i] = load_operand<DEPTH>(a_tile, wave_row() + 16 * i, d);
      }
      UNROLL for (int j = 0; j < J; j++) {
        Operand columns = load_operand<DEPTH>(b_tile, wave_column() + 16 * j, d);
        UNROLL for (int i = 0; i < I; i++) {
          multiply_add(sums[i][j], rows[i], columns);
        }
        keep_order();
      }
    }
  }
}

// Writes C, rounded, with `bias` added where there is one.
__device__ __forceinline__ void store(bf16* out, Sums (&sums)[I][J], const BlockTile& at,
                                      const bf16* bias, int m, int n) {
  UNROLL for (int j = 0; j < J; j++) {
    int first = at.column + wave_column() + 16 * j;
    if (bias) {
      UNROLL for (int s = 0; s < SUMS; s++) {
        int column = first + own_column(s);
        float added = column < n ? to_float(bias[column]) : 0.0f;
        UNROLL for (int i = 0; i < I; i++) {
          sums[i][j].x[s] += added;
        }
      }
    }
    UNROLL for (int i = 0; i < I; i++) {
      int row = at.row + wave_row() + 16 * i + own_row();
      store_result(out + (long long)row * n + first, sums[i][j], row < m, n - first);
    }
  }
}

// Writes C, or adds to it.
__device__ __forceinline__ void store(float* out, const Sums (&sums)[I][J], const BlockTile& at,
                                      int m, int n, bool accumulate) {
  UNROLL for (int i = 0; i < I; i++) {
    int row = at.row + wave_row() + 16 * i + own_row();
    UNROLL for (int j = 0; j < J; j++) {
      UNROLL for (int s = 0; s < SUMS; s++) {
        int column = at.column + wave_column() + 16 * j + own_column(s);
        if (row < m && column < n) {
          float* to = out + (long long)row * n + column;
          *to = accumulate ? *to + sums[i][j].x[s] : sums[i][j].x[s];
        }
      }
    }
  }
}

KERNEL(256)
matmul_forward_v4(bf16* out, const bf16* in, const bf16* weight, const bf16* bias, int m, int n,
                  int k) {
  Sums sums[I][J];
  BlockTile at;
  multiply_tiles<true, true>(sums, at, in, weight, m, n, k, 0, k);
  store(out, sums, at, bias, m, n);
}

KERNEL(256)
matmul_backward_input_v4(bf16* d_in, const bf16* d_out, const bf16* weight, int m, int n, int k) {
  Sums sums[I][J];
  BlockTile at;
  multiply_tiles<true, false>(sums, at, d_out, weight, m, k, n, 0, n);
  store(d_in, sums, at, nullptr, m, k);
}

// The part of the tokens that blockIdx.z names, a multiple of 32; with more than one part, sums go to
// `partial`, to be added by the next kernel.
KERNEL(256)
matmul_backward_weight_v4(float* d_weight, float* partial, const bf16* d_out, const bf16* in, int m,
                          int n, int k, int part, int accumulate) {
  Sums sums[I][J];
  BlockTile at;
  int first = blockIdx.z * part;
  multiply_tiles<false, false>(sums, at, d_out, in, n, k, m, first, lesser(m, first + part));
  if (gridDim.z == 1) {
    store(d_weight, sums, at, n, k, accumulate);
  } else {
    store(partial + (long long)blockIdx.z * n * k, sums, at, n, k, false);
  }
}
