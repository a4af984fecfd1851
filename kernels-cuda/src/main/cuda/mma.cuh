// Tensor cores: products of small matrices of bf16 whose numbers are spread over a warp, summed in
// float; and copies to shared memory that run while the warp goes on.
//
// One instruction, mma.sync.m16n8k16, adds A (16,16) B (16,8) to C (16,8). Lane l has, with
// g = l / 4 and t = l % 4:
//   A, four pairs: rows g, g + 8, g, g + 8; columns 2t and 2t + 1, in the last two pairs plus 8
//   B, two pairs:  column g; rows 2t and 2t + 1, in the second pair plus 8
//   C, four:       rows g, g, g + 8, g + 8; columns 2t, 2t + 1, 2t, 2t + 1
// So two Cs side by side, rounded, are an A without any exchange between lanes.
// Source: PTX ISA, "Matrix Fragments for mma.m16n8k16", "ldmatrix", "cp.async".
//
// Under ANNEAL_DOUBLE every function does what its instruction does, from the same lanes' numbers, so
// that a wrong fragment is wrong on a CPU, too; a copy lands when it is waited for, no sooner. There
// products are added in the order of the inner index; a tensor core adds in an order of its own.
#ifndef ANNEAL_MMA_CUH
#define ANNEAL_MMA_CUH

#include "hardware.cuh"

struct FragmentA {
  uint32 x[4];
};

struct FragmentB {
  uint32 x[2];
};

struct FragmentC {
  float x[4];

  __device__ __forceinline__ void fill(float value) {
    UNROLL for (int i = 0; i < 4; i++) {
      x[i] = value;
    }
  }
};

__device__ __forceinline__ int lane() {
  return threadIdx.x % WARP;
}

// Where this lane's numbers of a C are: number i in row fragment_row(i), column fragment_column(i).
__device__ __forceinline__ int fragment_row(int i) {
  return lane() / 4 + i / 2 * 8;
}

__device__ __forceinline__ int fragment_column(int i) {
  return lane() % 4 * 2 + i % 2;
}

// ---- instructions ----

// c += a b.
__device__ __forceinline__ void multiply_add(FragmentC& c, const FragmentA& a, const FragmentB& b) {
#ifdef ANNEAL_DOUBLE
  struct __align__(64) Operands {
    FragmentA a;
    FragmentB b;
  };
  Operands own = {a, b};
  const Operands* of = static_cast<const Operands*>(double_gather(&own, sizeof own, __LINE__));
  for (int i = 0; i < 4; i++) {
    int row = fragment_row(i);
    int column = fragment_column(i);
    for (int k = 0; k < 16; k++) {
      uint32 as = of[row % 8 * 4 + k % 8 / 2].a.x[row / 8 + k / 8 * 2];
      uint32 bs = of[column * 4 + k % 8 / 2].b.x[k / 8];
      c.x[i] = fmaf(to_float(bf16{(uint16)(as >> k % 2 * 16)}),
                    to_float(bf16{(uint16)(bs >> k % 2 * 16)}), c.x[i]);
    }
  }
#else
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c.x[0]), "+f"(c.x[1]), "+f"(c.x[2]), "+f"(c.x[3])
      : "r"(a.x[0]), "r"(a.x[1]), "r"(a.x[2]), "r"(a.x[3]), "r"(b.x[0]), "r"(b.x[1]));
#endif
}

#ifndef ANNEAL_DOUBLE
__device__ __forceinline__ uint32 shared_address(const void* pointer) {
  return (uint32)__cvta_generic_to_shared(pointer);
}
#endif

// Four 8 x 8 matrices from shared memory; lane 8m + i says where row i of matrix m is. This lane gets
// of each the pair of row l / 4 and columns 2 (l % 4) and the next.
__device__ __forceinline__ void load_matrices(uint32& x0, uint32& x1, uint32& x2, uint32& x3,
                                              const bf16* row) {
#ifdef ANNEAL_DOUBLE
  const double_slot* of =
      static_cast<const double_slot*>(double_gather(&row, sizeof row, __LINE__));
  uint32* to[4] = {&x0, &x1, &x2, &x3};
  for (int m = 0; m < 4; m++) {
    const bf16* from = *reinterpret_cast<const bf16* const*>(&of[8 * m + lane() / 4]);
    from += lane() % 4 * 2;
    *to[m] = (uint32)from[0].bits | (uint32)from[1].bits << 16;
  }
#else
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(x0), "=r"(x1), "=r"(x2), "=r"(x3)
               : "r"(shared_address(row))
               : "memory");
#endif
}

// The same, each matrix transposed: rows 2 (l % 4) and the next of column l / 4.
__device__ __forceinline__ void load_transposed(uint32& x0, uint32& x1, uint32& x2, uint32& x3,
                                                const bf16* row) {
#ifdef ANNEAL_DOUBLE
  const double_slot* of =
      static_cast<const double_slot*>(double_gather(&row, sizeof row, __LINE__));
  uint32* to[4] = {&x0, &x1, &x2, &x3};
  for (int m = 0; m < 4; m++) {
    const double_slot* rows = &of[8 * m + lane() % 4 * 2];
    const bf16* first = *reinterpret_cast<const bf16* const*>(&rows[0]);
    const bf16* second = *reinterpret_cast<const bf16* const*>(&rows[1]);
    *to[m] = (uint32)first[lane() / 4].bits | (uint32)second[lane() / 4].bits << 16;
  }
#else
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(x0), "=r"(x1), "=r"(x2), "=r"(x3)
               : "r"(shared_address(row))
               : "memory");
#endif
}

// Begins to copy BYTES, 4 or 16 of them, to shared memory; zeros when there are none. Both addresses
// are multiples of BYTES; 16 pass by the first cache.
template <int BYTES>
__device__ __forceinline__ void begin_copy(void* to, const void* from, bool there) {
  static_assert(BYTES == 4 || BYTES == 16, "4 or 16 bytes");
#ifdef ANNEAL_DOUBLE
  double_begin_copy(to, there ? from : nullptr, BYTES);
#else
  if (BYTES == 16) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :
                 : "r"(shared_address(to)), "l"(from), "r"(there ? 16 : 0)
                 : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;"
                 :
                 : "r"(shared_address(to)), "l"(from), "r"(there ? 4 : 0)
                 : "memory");
  }
#endif
}

// Copies begun since the last call are a group.
__device__ __forceinline__ void end_group() {
#ifdef ANNEAL_DOUBLE
  double_end_group();
#else
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits until all this thread's groups but the last LATER are there. Others' copies are after a barrier.
template <int LATER>
__device__ __forceinline__ void wait_for_groups() {
#ifdef ANNEAL_DOUBLE
  double_wait_for_groups(LATER);
#else
  asm volatile("cp.async.wait_group %0;" : : "n"(LATER) : "memory");
#endif
}

// ---- tiles in shared memory ----

// Where eight numbers side by side of a tile of rows of COLUMNS numbers are: number 8 chunk of `row`.
// Chunks of a row change places with the row, so that the same chunk of eight rows is in all banks.
template <int COLUMNS>
__device__ __forceinline__ int place(int row, int chunk) {
  static_assert(COLUMNS == 32 || COLUMNS % 64 == 0, "rows of 64 bytes, or of whole 128");
  int key = COLUMNS == 32 ? row / 2 % 4 : row % 8;
  return row * COLUMNS + chunk / 8 * 64 + (chunk % 8 ^ key) * 8;
}

// Begins to bring ROWS rows of COLUMNS numbers, which lie `stride` apart; zeros for those from `rows`
// on, and for columns from `columns` on, which is a multiple of 8.
template <int ROWS, int COLUMNS, int THREADS>
__device__ __forceinline__ void bring(bf16* tile, const bf16* from, int stride, int rows,
                                      int columns) {
  static constexpr int CHUNKS = COLUMNS / 8;
  static constexpr int STEP = THREADS / CHUNKS;
  static_assert(ROWS % STEP == 0, "threads bring whole rows");
  int first = threadIdx.x / CHUNKS;
  int chunk = threadIdx.x % CHUNKS;
  from += chunk * 8;
  UNROLL for (int i = 0; i < ROWS / STEP; i++) {
    int row = first + i * STEP;
    bool there = row < rows && chunk * 8 < columns;
    begin_copy<16>(tile + place<COLUMNS>(row, chunk), from + (long long)row * stride, there);
  }
}

// A of the 16 rows from `row` and the 16 columns from `column` of a tile.
template <int COLUMNS>
__device__ __forceinline__ void load_a(FragmentA& a, const bf16* tile, int row, int column) {
  const bf16* from = tile + place<COLUMNS>(row + lane() % 16, column / 8 + lane() / 16);
  load_matrices(a.x[0], a.x[1], a.x[2], a.x[3], from);
}

// A of a tile that is transposed in memory: its rows are A's columns.
template <int COLUMNS>
__device__ __forceinline__ void load_a_transposed(FragmentA& a, const bf16* tile, int row,
                                                  int column) {
  const bf16* from =
      tile + place<COLUMNS>(column + lane() % 8 + lane() / 16 * 8, row / 8 + lane() / 8 % 2);
  load_transposed(a.x[0], a.x[1], a.x[2], a.x[3], from);
}

// Two Bs, of the 16 rows from `row` and columns from `column`, of a tile whose rows are B's columns.
template <int COLUMNS>
__device__ __forceinline__ void load_bs(FragmentB (&b)[2], const bf16* tile, int row, int column) {
  const bf16* from =
      tile + place<COLUMNS>(column + lane() % 8 + lane() / 16 * 8, row / 8 + lane() / 8 % 2);
  load_matrices(b[0].x[0], b[0].x[1], b[1].x[0], b[1].x[1], from);
}

// Two Bs, of the 16 rows from `row` and columns from `column`, of a tile that has B's rows as its own.
template <int COLUMNS>
__device__ __forceinline__ void load_bs_by_rows(FragmentB (&b)[2], const bf16* tile, int row,
                                                int column) {
  const bf16* from = tile + place<COLUMNS>(row + lane() % 16, column / 8 + lane() / 16);
  load_transposed(b[0].x[0], b[0].x[1], b[1].x[0], b[1].x[1], from);
}

// The A that two Cs side by side are, rounded.
__device__ __forceinline__ FragmentA rounded_a(const FragmentC& left, const FragmentC& right) {
  return {{pair(left.x[0], left.x[1]), pair(left.x[2], left.x[3]), pair(right.x[0], right.x[1]),
           pair(right.x[2], right.x[3])}};
}

// ---- results ----

// x[j] of lane i of four side by side becomes x[i] of lane j.
__device__ __forceinline__ void transpose_four(uint32 (&x)[4]) {
  UNROLL for (int offset = 1; offset <= 2; offset *= 2) {
    bool upper = lane() & offset;
    UNROLL for (int i = 0; i < 4; i++) {
      if (i & offset) {
        continue;
      }
      uint32 got = __shfl_xor_sync(ALL_LANES, upper ? x[i] : x[i + offset], offset);
      x[i] = upper ? got : x[i];
      x[i + offset] = upper ? x[i + offset] : got;
    }
  }
}

// Writes `half` of four Cs side by side, rows 8 half + lane / 4 of them, rounded: each lane eight numbers
// side by side. `to` is where the 32 columns of this lane's row begin; of them `columns` exist, a
// multiple of 8.
__device__ __forceinline__ void store_row(bf16* to, const FragmentC* c, int half, float factor,
                                          bool there, int columns) {
  uint32 x[4];
  UNROLL for (int i = 0; i < 4; i++) {
    x[i] = pair(c[i].x[2 * half] * factor, c[i].x[2 * half + 1] * factor);
  }
  transpose_four(x);
  int column = lane() % 4 * 8;
  if (there && column < columns) {
    *reinterpret_cast<uint4*>(to + column) = make_uint4(x[0], x[1], x[2], x[3]);
  }
}

#endif
