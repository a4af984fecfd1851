// Matrix units: products of 16 x 16 matrices of bf16 whose numbers are spread over a wave, summed in
// float; and the way of tiles from memory to shared memory, as they lie or transposed.
//
// One abstract product serves three units: C (16,16) += rows (16,16) columns (16,16)ᵀ. Lane l has of
// both operands numbers of row l % 16, and of C numbers of row l % 16: of `rows`'s row, and so many
// columns as registers. The units differ in which numbers of its row a lane has:
//
//                  -D               wave  inner indices of an operand     columns of C
//   CDNA 2, 3      MATRIX_MFMA      64    4 (l / 16) ... + 3              4 (l / 16) ... + 3
//   RDNA 3         MATRIX_WMMA      32    0 ... 15, in both half-waves    l / 16, l / 16 + 2 ... + 14
//   RDNA 4         MATRIX_WMMA_12   32    8 (l / 16) ... + 7              8 (l / 16) ... + 7
//
// The instruction's own A is `columns` and its B is `rows`, since its result has a row of A per
// register. So C, rounded, is an operand of the next product as it stands, but for RDNA 3, where the
// half-waves exchange what the other lacks.
// Sources: AMD, "CDNA 3 ISA" section 7, "RDNA 3 ISA" and "RDNA 4 ISA" section 7.9.
//
// Under ANNEAL_DOUBLE the instructions are computed from the same lanes' numbers, so that a wrong
// fragment is wrong on a CPU, too; CDNA's by the double itself, which has their layout from AMD. There
// products are added in the order of the inner index; a matrix unit adds in an order of its own.
#ifndef ANNEAL_MATRIX_CUH
#define ANNEAL_MATRIX_CUH

#include "hardware.cuh"

#if defined(MATRIX_MFMA)
#define MATRIX_WAVE 64
typedef uint2 Chunk;
static constexpr int SUMS = 4;
static constexpr int CHUNKS = 1;
#elif defined(MATRIX_WMMA)
#define MATRIX_WAVE 32
typedef uint4 Chunk;
static constexpr int SUMS = 8;
static constexpr int CHUNKS = 2;
#elif defined(MATRIX_WMMA_12)
#define MATRIX_WAVE 32
typedef uint4 Chunk;
static constexpr int SUMS = 8;
static constexpr int CHUNKS = 1;
#else
#error "which matrix unit: give -DMATRIX_MFMA, -DMATRIX_WMMA or -DMATRIX_WMMA_12"
#endif

#if WAVE != MATRIX_WAVE
#error "this matrix unit is for waves of another size"
#endif

// Numbers that a lane reads at once, which lie side by side.
static constexpr int CHUNK = (int)sizeof(Chunk) / (int)sizeof(bf16);
static constexpr int WORDS = CHUNKS * CHUNK / 2;

// Between rows in shared memory, so that the rows of an operand are on different banks.
static constexpr int PAD = CHUNK;

typedef short OperandNumbers __attribute__((vector_size(4 * WORDS)));
typedef float SumNumbers __attribute__((vector_size(4 * SUMS)));

// The numbers of row l % 16 of a 16 x 16 matrix that lane l has, pairs in words, the first in the lower
// half.
union Operand {
  Chunk chunks[CHUNKS];
  uint32 words[WORDS];
  OperandNumbers numbers;
};

// The numbers of row l % 16 of a result that lane l has.
struct Sums {
  SumNumbers x;

  __device__ __forceinline__ void fill(float value) {
    UNROLL for (int i = 0; i < SUMS; i++) {
      x[i] = value;
    }
  }
};

__device__ __forceinline__ int lane() {
  return threadIdx.x % WARP;
}

// The row of an operand or a result that this lane has numbers of.
__device__ __forceinline__ int own_row() {
  return lane() % 16;
}

// The first inner index that this lane has of an operand.
__device__ __forceinline__ int first_inner() {
#if defined(MATRIX_WMMA)
  return 0;
#else
  return lane() / 16 * CHUNK;
#endif
}

// The column of this lane's number i of a result.
__device__ __forceinline__ int own_column(int i) {
#if defined(MATRIX_WMMA)
  return 2 * i + lane() / 16;
#else
  return lane() / 16 * SUMS + i;
#endif
}

// ---- instructions ----

#if defined(ANNEAL_DOUBLE) && !defined(MATRIX_MFMA)
// Number k of row `row` of an operand, of which `of` has the lanes' parts from a byte on. Where half-waves
// must have the same, odd numbers are the second's, so that it shows if they have not.
__device__ __forceinline__ float operand_number(const double_slot* of, int byte, int row, int k) {
#if defined(MATRIX_WMMA)
  int from = row + k % 2 * 16;
  int at = k;
#else
  int from = row + k / CHUNK * 16;
  int at = k % CHUNK;
#endif
  return to_float(reinterpret_cast<const bf16*>(of[from].bytes + byte)[at]);
}
#endif

// c += rows columnsᵀ.
__device__ __forceinline__ void multiply_add(Sums& c, const Operand& rows, const Operand& columns) {
#if defined(MATRIX_MFMA)
  c.x = __builtin_amdgcn_mfma_f32_16x16x16bf16_1k(columns.numbers, rows.numbers, c.x, 0, 0, 0);
#elif defined(ANNEAL_DOUBLE)
  Operand own[2] = {columns, rows};
  const double_slot* of = static_cast<const double_slot*>(double_gather(own, sizeof own, __LINE__));
  for (int i = 0; i < SUMS; i++) {
    for (int k = 0; k < 16; k++) {
      c.x[i] = fmaf(operand_number(of, 0, own_column(i), k),
                    operand_number(of, sizeof(Operand), own_row(), k), c.x[i]);
    }
  }
#elif defined(MATRIX_WMMA)
  c.x = __builtin_amdgcn_wmma_f32_16x16x16_bf16_w32(columns.numbers, rows.numbers, c.x);
#else
  c.x = __builtin_amdgcn_wmma_f32_16x16x16_bf16_w32_gfx12(columns.numbers, rows.numbers, c.x);
#endif
}

// What the same lane of the other half-wave brings.
__device__ __forceinline__ uint32 from_other_half(uint32 x) {
#if defined(MATRIX_WMMA) && !defined(ANNEAL_DOUBLE)
  return __builtin_amdgcn_permlanex16(x, x, 0x76543210u, 0xfedcba98u, false, false);
#else
  return __shfl_xor_sync(ALL_LANES, x, 16);
#endif
}

// Keeps loads of what comes later behind this line, where compilers that look far ahead run out of
// registers.
__device__ __forceinline__ void keep_order() {
#if !defined(ANNEAL_DOUBLE) && !defined(MATRIX_MFMA)
  __builtin_amdgcn_sched_barrier(0);
#endif
}

// ---- operands ----

// A result, rounded, as `rows` of the next product.
__device__ __forceinline__ Operand rounded_operand(const Sums& c) {
  Operand to;
#if defined(MATRIX_WMMA)
  bool second = lane() / 16 != 0;
  UNROLL for (int i = 0; i < SUMS / 2; i++) {
    uint32 own = pair(c.x[2 * i], c.x[2 * i + 1]);
    uint32 other = from_other_half(own);
    uint32 even = second ? other : own;
    uint32 odd = second ? own : other;
    to.words[2 * i] = (even & 0xffffu) | odd << 16;
    to.words[2 * i + 1] = even >> 16 | (odd & 0xffff0000u);
  }
#else
  UNROLL for (int i = 0; i < SUMS / 2; i++) {
    to.words[i] = pair(c.x[2 * i], c.x[2 * i + 1]);
  }
#endif
  return to;
}

// The operand at `row` and `column` of a tile in shared memory whose rows are COLUMNS wide.
template <int COLUMNS>
__device__ __forceinline__ Operand load_operand(const bf16* tile, int row, int column) {
  const bf16* from = tile + (row + own_row()) * (COLUMNS + PAD) + column + first_inner();
  Operand to;
  UNROLL for (int i = 0; i < CHUNKS; i++) {
    to.chunks[i] = reinterpret_cast<const Chunk*>(from)[i];
  }
  return to;
}

// The operand of 16 rows in memory, `stride` numbers apart; zeros from `rows` on.
__device__ __forceinline__ Operand fetch_operand(const bf16* from, long long stride, int rows) {
  Operand to;
  UNROLL for (int i = 0; i < WORDS; i++) {
    to.words[i] = 0;
  }
  if (own_row() < rows) {
    const Chunk* chunks = reinterpret_cast<const Chunk*>(from + own_row() * stride + first_inner());
    UNROLL for (int i = 0; i < CHUNKS; i++) {
      to.chunks[i] = chunks[i];
    }
  }
  return to;
}

// ---- results ----

// Over the lanes that share a row, in all of them.
__device__ __forceinline__ float row_max(float x) {
  UNROLL for (int offset = 16; offset < WARP; offset *= 2) {
    x = larger(x, __shfl_xor_sync(ALL_LANES, x, offset));
  }
  return x;
}

__device__ __forceinline__ float row_sum(float x) {
  UNROLL for (int offset = 16; offset < WARP; offset *= 2) {
    x += __shfl_xor_sync(ALL_LANES, x, offset);
  }
  return x;
}

// Writes a result, rounded, chunk by chunk. `to` is where this lane's row begins; `there` says whether it
// does; of its 16 columns those below `columns`, a multiple of 8, are there.
__device__ __forceinline__ void store_result(bf16* to, const Sums& c, bool there, int columns) {
  Operand numbers = rounded_operand(c);
#if defined(MATRIX_WMMA)
  Chunk chunk = lane() / 16 ? numbers.chunks[1] : numbers.chunks[0];
#else
  Chunk chunk = numbers.chunks[0];
#endif
  int column = lane() / 16 * CHUNK;
  if (there && column < columns) {
    *reinterpret_cast<Chunk*>(to + column) = chunk;
  }
}

// ---- tiles ----

// Where a tile's numbers are in shared memory: rows of COLUMNS numbers, and between them PAD. Rows that are a
// multiple n of 16 apart are n STRIDE apart in any place.
template <int COLUMNS>
struct Padded {
  typedef Chunk Piece;  // what may be written at once
  static constexpr int STRIDE = COLUMNS + PAD;

  static __device__ __forceinline__ int at(int row, int column) {
    return row * STRIDE + column;
  }
};

// A tile of ROWS rows of COLUMNS numbers on its way from memory to shared memory: each of THREADS
// threads has patches of two rows and eight columns. TOGETHER patches side by side in a wave are below
// each other: 1 reads whole rows, 8 writes to different banks where the tile is transposed.
template <int ROWS, int COLUMNS, int THREADS, int TOGETHER>
struct Bringer {
  static constexpr int ACROSS = COLUMNS / 8;
  static constexpr int PATCHES = ROWS / 2 * ACROSS;
  static constexpr int N = (PATCHES + THREADS - 1) / THREADS;
  static_assert(ROWS / 2 % TOGETHER == 0, "whole groups of patches");
  uint4 x[N][2];
  int thread = threadIdx.x;

  __device__ __forceinline__ int index(int i) const {
    return thread + i * THREADS;
  }

  __device__ __forceinline__ bool is(int i) const {
    return PATCHES % THREADS == 0 || index(i) < PATCHES;
  }

  __device__ __forceinline__ int row(int i) const {
    return 2 * (index(i) % TOGETHER + index(i) / (TOGETHER * ACROSS) * TOGETHER);
  }

  __device__ __forceinline__ int column(int i) const {
    return index(i) / TOGETHER % ACROSS * 8;
  }

  // Rows lie `stride` apart; zeros from `rows` rows on, and from `columns` columns on, a multiple of 8.
  __device__ __forceinline__ void load(const bf16* from, long long stride, int rows, int columns) {
    UNROLL for (int i = 0; i < N; i++) {
      UNROLL for (int r = 0; r < 2; r++) {
        bool there = is(i) && row(i) + r < rows && column(i) < columns;
        x[i][r] = there ? *reinterpret_cast<const uint4*>(from + (row(i) + r) * stride + column(i))
                        : make_uint4(0, 0, 0, 0);
      }
    }
  }

  // As it lies: rows of COLUMNS numbers.
  template <class Place = Padded<COLUMNS>>
  __device__ __forceinline__ void store(bf16* tile) const {
    UNROLL for (int i = 0; i < N; i++) {
      if (is(i)) {
        UNROLL for (int r = 0; r < 2; r++) {
          bf16* to = tile + Place::at(row(i) + r, column(i));
          if (sizeof(typename Place::Piece) == sizeof(uint2)) {
            reinterpret_cast<uint2*>(to)[0] = make_uint2(x[i][r].x, x[i][r].y);
            reinterpret_cast<uint2*>(to)[1] = make_uint2(x[i][r].z, x[i][r].w);
          } else {
            *reinterpret_cast<uint4*>(to) = x[i][r];
          }
        }
      }
    }
  }

  // Transposed: rows of ROWS numbers, COLUMNS of them. A pair of numbers lies together in any place.
  template <class Place = Padded<ROWS>>
  __device__ __forceinline__ void store_transposed(bf16* tile) const {
    UNROLL for (int i = 0; i < N; i++) {
      if (is(i)) {
        uint32 first[4] = {x[i][0].x, x[i][0].y, x[i][0].z, x[i][0].w};
        uint32 second[4] = {x[i][1].x, x[i][1].y, x[i][1].z, x[i][1].w};
        UNROLL for (int w = 0; w < 4; w++) {
          uint32 even = (first[w] & 0xffffu) | second[w] << 16;
          uint32 odd = first[w] >> 16 | (second[w] & 0xffff0000u);
          int at = column(i) + 2 * w;
          *reinterpret_cast<uint32*>(tile + Place::at(at, row(i))) = even;
          *reinterpret_cast<uint32*>(tile + Place::at(at + 1, row(i))) = odd;
        }
      }
    }
  }
};

#endif
