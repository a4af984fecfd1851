// The three products of a linear layer on tensor cores: version 4 of matmul.cu's, for tensors of bf16
// whose n and k are multiples of 8. What is computed is said there; dWeight is of floats.
//
// A block of 4 warps computes 128 x 128 of C, a warp 64 x 64 of it in 128 registers of each lane, so that
// per step of 16 along the inner dimension 8 loads of fragments serve 32 mma: each number that is
// read from shared memory is used 64 times, from memory 128 times. Tiles of 32 along the inner dimension
// come by cp.async, two of them under way while a third is multiplied; one barrier per tile. Where the
// inner dimension is not innermost in memory, the tile lies as memory has it and fragments are
// transposed as they are loaded (ldmatrix.trans), so that all three products are one kernel.
// Blocks go through C in columns of 8 tiles' height, so that those that run together share rows of A
// and columns of B in the second cache also where C is wide, as the vocabulary is.
//
// 48 KiB of shared memory and at most 255 registers: 2 blocks per multiprocessor on all targets.
#include "matmul_block.cuh"
#include "mma.cuh"

static constexpr int WARPS = 4;
static constexpr int THREADS = WARPS * WARP;
static constexpr int DEPTH = 32;
static constexpr int STAGES = 3;
static constexpr int TILE_NUMBERS = TILE * DEPTH;
static constexpr int WARP_TILE = 64;

// Begins to bring a tile of DEPTH inner indices from `inner` on and 128 outer ones; zeros beyond the
// matrix, and from `inner_end` on. INNER: the inner dimension is innermost in memory.
template <bool INNER>
__device__ __forceinline__ void bring_tile(bf16* tile, const bf16* matrix, int outer_first,
                                           int outers, int inner, int inner_end, int inners) {
  if (INNER) {
    bring<TILE, DEPTH, THREADS>(tile, matrix + (long long)outer_first * inners + inner, inners,
                                outers - outer_first, inner_end - inner);
  } else {
    bring<DEPTH, TILE, THREADS>(tile, matrix + (long long)inner * outers + outer_first, outers,
                                inner_end - inner, outers - outer_first);
  }
}

// sums += the tile of C at `at` over the inner indices [first, end).
template <bool A_INNER, bool B_INNER>
__device__ __forceinline__ void multiply_tiles(FragmentC (&sums)[4][8], const BlockTile& at,
                                               const bf16* a, const bf16* b, int m, int n,
                                               int inner, int first, int end) {
  DYNAMIC_SHARED(bf16, tiles);
  int row = threadIdx.x / WARP / 2 * WARP_TILE;
  int column = threadIdx.x / WARP % 2 * WARP_TILE;
  auto bring_stage = [&](int k, int stage) {
    if (k < end) {
      bf16* to = tiles + stage * 2 * TILE_NUMBERS;
      bring_tile<A_INNER>(to, a, at.row, m, k, end, inner);
      bring_tile<B_INNER>(to + TILE_NUMBERS, b, at.column, n, k, end, inner);
    }
    end_group();
  };
  UNROLL for (int s = 0; s < STAGES - 1; s++) {
    bring_stage(first + s * DEPTH, s);
  }
  int stage = 0;
  for (int k = first; k < end; k += DEPTH) {
    wait_for_groups<STAGES - 2>();
    __syncthreads();
    // The stage that was multiplied last, before the barrier.
    bring_stage(k + (STAGES - 1) * DEPTH, stage == 0 ? STAGES - 1 : stage - 1);
    const bf16* a_tile = tiles + stage * 2 * TILE_NUMBERS;
    const bf16* b_tile = a_tile + TILE_NUMBERS;
    UNROLL for (int d = 0; d < DEPTH; d += 16) {
      FragmentA as[4];
      UNROLL for (int i = 0; i < 4; i++) {
        if (A_INNER) {
          load_a<DEPTH>(as[i], a_tile, row + 16 * i, d);
        } else {
          load_a_transposed<TILE>(as[i], a_tile, row + 16 * i, d);
        }
      }
      UNROLL for (int j = 0; j < 8; j += 2) {
        FragmentB bs[2];
        if (B_INNER) {
          load_bs<DEPTH>(bs, b_tile, d, column + 8 * j);
        } else {
          load_bs_by_rows<TILE>(bs, b_tile, d, column + 8 * j);
        }
        UNROLL for (int i = 0; i < 4; i++) {
          multiply_add(sums[i][j], as[i], bs[0]);
          multiply_add(sums[i][j + 1], as[i], bs[1]);
        }
      }
    }
    stage = stage == STAGES - 1 ? 0 : stage + 1;
  }
}

// Where the first row of fragment i, and the first column of fragment j, of this warp are in C.
__device__ __forceinline__ int row_of(const BlockTile& at, int i) {
  return at.row + (int)threadIdx.x / WARP / 2 * WARP_TILE + 16 * i;
}

__device__ __forceinline__ int column_of(const BlockTile& at, int j) {
  return at.column + (int)threadIdx.x / WARP % 2 * WARP_TILE + 8 * j;
}

// Writes C, rounded, with `bias` added where there is one.
__device__ __forceinline__ void store(bf16* out, FragmentC (&sums)[4][8], const BlockTile& at,
                                      const bf16* bias, int m, int n) {
  if (bias) {
    UNROLL for (int j = 0; j < 8; j++) {
      UNROLL for (int c = 0; c < 2; c++) {
        int column = column_of(at, j) + fragment_column(c);
        float added = column < n ? to_float(bias[column]) : 0.0f;
        UNROLL for (int i = 0; i < 4; i++) {
          sums[i][j].x[c] += added;
          sums[i][j].x[c + 2] += added;
        }
      }
    }
  }
  UNROLL for (int i = 0; i < 4; i++) {
    UNROLL for (int half = 0; half < 2; half++) {
      int row = row_of(at, i) + fragment_row(2 * half);
      UNROLL for (int j = 0; j < 8; j += 4) {
        int column = column_of(at, j);
        store_row(out + (long long)row * n + column, &sums[i][j], half, 1.0f, row < m, n - column);
      }
    }
  }
}

// Calls use(where, its two sums) for each two numbers side by side of C that exist.
template <class Use>
__device__ __forceinline__ void for_pairs(float* c, FragmentC (&sums)[4][8], const BlockTile& at,
                                          int m, int n, Use use) {
  UNROLL for (int i = 0; i < 4; i++) {
    UNROLL for (int half = 0; half < 2; half++) {
      int row = row_of(at, i) + fragment_row(2 * half);
      UNROLL for (int j = 0; j < 8; j++) {
        int column = column_of(at, j) + fragment_column(0);
        if (row < m && column < n) {
          use(reinterpret_cast<float2*>(c + (long long)row * n + column), sums[i][j].x + 2 * half);
        }
      }
    }
  }
}

__device__ __forceinline__ void clear(FragmentC (&sums)[4][8]) {
  UNROLL for (int i = 0; i < 4; i++) {
    UNROLL for (int j = 0; j < 8; j++) {
      sums[i][j].fill(0.0f);
    }
  }
}

KERNEL(128)
matmul_forward_v4(bf16* out, const bf16* in, const bf16* weight, const bf16* bias, int m, int n,
                  int k) {
  FragmentC sums[4][8];
  clear(sums);
  BlockTile at;
  multiply_tiles<true, true>(sums, at, in, weight, m, n, k, 0, k);
  store(out, sums, at, bias, m, n);
}

KERNEL(128)
matmul_backward_input_v4(bf16* d_in, const bf16* d_out, const bf16* weight, int m, int n, int k) {
  FragmentC sums[4][8];
  clear(sums);
  BlockTile at;
  multiply_tiles<true, false>(sums, at, d_out, weight, m, k, n, 0, n);
  store(d_in, sums, at, nullptr, m, k);
}

// The part of the tokens that blockIdx.z names, a multiple of 32; with more than one part, sums go to
// `partial`, to be added by the next kernel.
KERNEL(128)
matmul_backward_weight_v4(float* d_weight, float* partial, const bf16* d_out, const bf16* in, int m,
                          int n, int k, int part, int accumulate) {
  FragmentC sums[4][8];
  clear(sums);
  BlockTile at;
  bool alone = gridDim.z == 1;
  float* to = alone ? d_weight : partial + (long long)blockIdx.z * n * k;
  if (alone && accumulate) {
    // Before the registers are needed for anything else.
    for_pairs(to, sums, at, n, k, [](const float2* from, float* sum) {
      float2 before = *from;
      sum[0] = before.x;
      sum[1] = before.y;
    });
  }
  int first = blockIdx.z * part;
  multiply_tiles<false, false>(sums, at, d_out, in, n, k, m, first, lesser(m, first + part));
  for_pairs(to, sums, at, n, k,
            [](float2* to, const float* sum) { *to = make_float2(sum[0], sum[1]); });
}
