// Products of 32 x 32 matrices of bf16 by CDNA's V_MFMA_F32_32X32X8BF16_1K, for a wave of 64, where
// matrix.cuh has them of 16 x 16.
//
// C (32,32) += rows (32,16) columns (32,16)ᵀ is two instructions. Lane l has numbers of row l % 32 of
// both operands and of C: of C those of columns 8 (i / 4) + 4 (l / 32) + i % 4, i < 16; of an operand
// eight inner indices, the first four for the first instruction. Which eight is free as long as both
// operands have the same, since a sum over them is the same in any order:
//
//   straight   8 (l / 32) ... + 7                             16 bytes of a row, as it lies
//   woven      4 (l / 32) ... + 3, then 8 more ... + 3        what C has of 16 columns, so that it is,
//                                                             rounded, an operand as it stands
//
// An instruction has twice the work of one of 16 x 16 and as many multiplications per cycle, so that
// half as many are issued, each number of an operand is fetched from registers half as often, and of
// the lanes two share a row and not four.
// Source: AMD, Matrix Instruction Calculator 1.3.2: A[i][k] is in lane 32 (k / 4) + i, number k % 4;
// B[k][j] in lane 32 (k / 4) + j, number k % 4; D[i][j] in lane 32 (i / 4) % 64 + j, register
// 4 (i / 8) + i % 4. Composable Kernel has the same in mfma_type<mfma_f32_32x32x8bf16_1k>.
#ifndef ANNEAL_WIDE_MATRIX_CUH
#define ANNEAL_WIDE_MATRIX_CUH

#include "swizzled.cuh"

#if !defined(MATRIX_MFMA)
#error "32 x 32 is for -DMATRIX_MFMA"
#endif

// x, of which the compiler must not know that it is the same in each round of a loop, since it would keep
// what it computes of it in registers all the while.
template <class T>
__device__ __forceinline__ T unknown(T x) {
#ifndef ANNEAL_DOUBLE
  asm volatile("" : "+v"(x));
#endif
  return x;
}

static constexpr int WIDE = 32;
static constexpr int WIDE_SUMS = 16;

typedef short WideNumbers __attribute__((vector_size(8)));
typedef float WideSumNumbers __attribute__((vector_size(4 * WIDE_SUMS)));

// Eight numbers of row l % 32 of a 32 x 16 matrix.
union WideOperand {
  uint4 chunk;
  uint32 words[4];
  WideNumbers numbers[2];
};

struct WideSums {
  WideSumNumbers x;

  // Zeros, of which the compiler must not know: it would take the sums of a loop that begins with them
  // apart, and copy all of them in each round.
  __device__ __forceinline__ void begin() {
    fill(unknown(0.0f));
  }

  __device__ __forceinline__ void fill(float value) {
    UNROLL for (int i = 0; i < WIDE_SUMS; i++) {
      x[i] = value;
    }
  }
};

// What the wave's first lane has, for all.
__device__ __forceinline__ int first_lanes(int x) {
#ifdef ANNEAL_DOUBLE
  return x;
#else
  return __builtin_amdgcn_readfirstlane(x);
#endif
}

// The row of an operand or a result that this lane has numbers of.
__device__ __forceinline__ int wide_row() {
  return lane() % WIDE;
}

// The column of this lane's number i of a result is the sum of these two; apart, so that what is indexed by
// it has one address and not sixteen.
__device__ __forceinline__ int wide_column() {
  return lane() / WIDE * 4;
}
__device__ __forceinline__ constexpr int wide_offset(int i) {
  return i / 4 * 8 + i % 4;
}

// c += rows columnsᵀ. The instruction's own A is `columns` and its B is `rows`.
__device__ __forceinline__ void multiply_add(WideSums& c, const WideOperand& rows,
                                             const WideOperand& columns) {
  UNROLL for (int n = 0; n < 2; n++) {
    c.x =
        __builtin_amdgcn_mfma_f32_32x32x8bf16_1k(columns.numbers[n], rows.numbers[n], c.x, 0, 0, 0);
  }
}

// ---- tiles ----

// A tile (swizzled.cuh) with columns in woven order: of each 16 the second and the third four change places.
template <int COLUMNS>
struct Woven {
  typedef uint4 Piece;

  static __device__ __forceinline__ int at(int row, int column) {
    int woven = (column & ~12) | (column & 4) << 1 | (column & 8) >> 1;
    return Swizzled<COLUMNS>::at(row, woven);
  }
};

// The operand at `row`, a multiple of 16, and `column` of a tile, straight or woven as it was written.
// Rows 16 apart and columns 64 apart have the same swizzle, so that few addresses are computed.
template <int COLUMNS>
__device__ __forceinline__ WideOperand load_wide(const bf16* tile, int row, int column) {
  int there = Swizzled<COLUMNS>::at(wide_row(), column % 64 + lane() / WIDE * 8);
  WideOperand to;
  to.chunk = *reinterpret_cast<const uint4*>(tile + there + (row * COLUMNS + column / 64 * 64));
  return to;
}

// The straight operand of 32 rows in memory, `stride` numbers apart; zeros from `rows` on.
__device__ __forceinline__ WideOperand fetch_wide(const bf16* from, long long stride, int rows) {
  WideOperand to;
  to.chunk = make_uint4(0, 0, 0, 0);
  if (wide_row() < rows) {
    to.chunk = *reinterpret_cast<const uint4*>(from + wide_row() * stride + lane() / WIDE * 8);
  }
  return to;
}

// ---- results ----

// Over the two lanes that share a row, in both.
__device__ __forceinline__ float wide_row_max(float x) {
  return larger(x, __shfl_xor_sync(ALL_LANES, x, WIDE));
}

__device__ __forceinline__ float wide_row_sum(float x) {
  return x + __shfl_xor_sync(ALL_LANES, x, WIDE);
}

// Writes a result times `factor`, rounded. `to` is where this lane's row begins; `there` says whether it
// does.
__device__ __forceinline__ void store_wide(bf16* to, const WideSums& c, float factor, bool there) {
  UNROLL for (int i = 0; i < WIDE_SUMS; i += 4) {
    uint2 four = make_uint2(pair(c.x[i] * factor, c.x[i + 1] * factor),
                            pair(c.x[i + 2] * factor, c.x[i + 3] * factor));
    if (there) {
      *reinterpret_cast<uint2*>(to + wide_column() + wide_offset(i)) = four;
    }
  }
}

#endif
