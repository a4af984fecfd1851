// What the two passes of attention by products of 32 x 32 share: a wave's own 32 rows, times tiles of others.
#ifndef ANNEAL_WIDE_ROWS_CUH
#define ANNEAL_WIDE_ROWS_CUH

#include "attention_head.cuh"
#include "wide_matrix.cuh"

static constexpr float LOG2_E = 1.44269504f;
static constexpr int THREADS = 256;
static constexpr int WAVES = THREADS / WARP;
static constexpr int ROWS = WAVES * WIDE;  // of a block: queries, or keys in backward

// One for all lanes, which the compiler would not see, and would have them branch apart.
__device__ __forceinline__ int wave() {
  return first_lanes(threadIdx.x / WARP);
}

// A wave's own 32 rows of a matrix of D channels.
template <int D>
struct OwnRows {
  WideOperand operands[D / 16];

  __device__ __forceinline__ void fetch(const bf16* from, long long stride, int rows) {
    int first = wave() * WIDE;
    UNROLL for (int d = 0; d < D; d += 16) {
      operands[d / 16] = fetch_wide(from + first * stride + d, stride, rows - first);
    }
  }

  // Times the 32 rows from `row` of a tile: sums over D channels.
  __device__ __forceinline__ WideSums times(const bf16* tile, int row) const {
    WideSums products;
    products.fill(0.0f);
    UNROLL for (int d = 0; d < D; d += 16) {
      multiply_add(products, operands[d / 16], load_wide<D>(tile, row, d));
    }
    return products;
  }
};

// sums (32, D) += weights (32, 16) times the 16 rows from `row` of a tile that is transposed, of rows of
// COLUMNS numbers.
template <int D, int COLUMNS>
__device__ __forceinline__ void weigh(WideSums (&sums)[D / WIDE], const WideOperand& weights,
                                      const bf16* tile, int row) {
  UNROLL for (int d = 0; d < D; d += WIDE) {
    multiply_add(sums[d / WIDE], weights, load_wide<COLUMNS>(tile, d, row));
  }
}

// Writes this wave's 32 rows of D channels; `rows` of the block's exist.
template <int D>
__device__ __forceinline__ void store_rows(bf16* to, long long stride,
                                           const WideSums (&sums)[D / WIDE], float factor,
                                           int rows) {
  int row = unknown(wave() * WIDE + wide_row());
  UNROLL for (int d = 0; d < D; d += WIDE) {
    store_wide(to + row * stride + d, sums[d / WIDE], factor, row < rows);
  }
}

#endif
