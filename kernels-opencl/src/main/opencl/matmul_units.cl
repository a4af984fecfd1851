// Version 5 of the products that matmul.cl describes, for activations of bf16 on GPUs with matrix units
// that a vendor's extension or compiler gives. Compiled and emulated, not yet run on a GPU.
//
// Both factors of an instruction are bf16, sums are fp32. Activations are bf16 already, so the gradient
// of a weight loses nothing. A weight is fp32: it goes through the unit in two parts, the nearest bf16
// and the nearest bf16 of what is left, which have 16 of its 24 bits together; what is lost is a
// hundredth of what rounding the result to bf16 loses. That is twice the instructions, of which a unit
// does 8 and more for each fma of the other versions. fp32 and fp16 activations have version 4.
//
// A work-group computes 64 x 64 elements, a sub-group 32 x 32 of them, or 32 x 16. Tiles of 32 steps pass
// through local memory as lines along the summed index: 15 KiB.
//
// UNITS says which:
//   1  cl_intel_subgroup_matrix_multiply_accumulate, sub-groups of 16: (8,16) times (16,16)
//   2  the same, sub-groups of 8: (8,16) times (16,8)
//   3  NVIDIA from compute capability 8.0, mma.sync.m16n8k16 of PTX: (16,16) times (16,8)
// EMULATED_UNITS does what the instruction does by local memory, with the lanes' numbers where the
// extension's text and PTX's have them: Intel's, each lane a column of B and C, two steps to a word, and
// of a row of A as many steps as there are for it; PTX's, with g = lane / 4 and t = lane % 4,
//   A, four words:  rows g, g + 8, g, g + 8; steps 2t and 2t + 1, in the last two words plus 8
//   B, two words:   column g; steps 2t and 2t + 1, in the second word plus 8
//   C, four floats: rows g, g, g + 8, g + 8; columns 2t, 2t + 1, 2t, 2t + 1

#define SIDE 64
#define DEPTH 32
// In ushorts, so that words of eight lines are in different banks.
#define LINE (DEPTH + 8)

#if UNITS == 1
#define LANES 16
#define UNIT_ROWS 8
#define UNIT_COLUMNS 16
#define OWN_COLUMNS 32
typedef short8 Left;
typedef int8 Right;
typedef float8 Sums;
#elif UNITS == 2
#define LANES 8
#define UNIT_ROWS 8
#define UNIT_COLUMNS 8
#define OWN_COLUMNS 16
typedef int8 Left;
typedef int8 Right;
typedef float8 Sums;
#else
#define LANES 32
#define UNIT_ROWS 16
#define UNIT_COLUMNS 8
#define OWN_COLUMNS 32
typedef uint4 Left;
typedef uint2 Right;
typedef float4 Sums;
#endif

#define OWN_ROWS 32
#define ITEMS (SIDE / OWN_ROWS * (SIDE / OWN_COLUMNS) * LANES)

#if UNITS == 3 || defined(EMULATED_UNITS)
#define LANE ((int)get_local_id(0) % LANES)
#define SUB_GROUP ((int)get_local_id(0) / LANES)
#define OF_LANES
#else
#pragma OPENCL EXTENSION cl_intel_subgroups : enable
#pragma OPENCL EXTENSION cl_intel_required_subgroup_size : enable
#define LANE ((int)get_sub_group_local_id())
#define SUB_GROUP ((int)get_sub_group_id())
#define OF_LANES __attribute__((intel_reqd_sub_group_size(LANES)))
#endif

// ---- instructions ----

#define EIGHT(F) F(0), F(1), F(2), F(3), F(4), F(5), F(6), F(7)

#ifdef EMULATED_UNITS
#define WORDS 8
#define UNIT_ROOM __local uint room[ITEMS * 2 * WORDS];

static float upper(const uint word) {
  return as_float(word & 0xFFFF0000u);
}
static float lower(const uint word) {
  return as_float(word << 16);
}

// sums + left right, from what all lanes of the sub-group have.
static Sums multiply_add(__local uint *room, const Left left, const Right right, const Sums sums) {
  __local uint *own = room + get_local_id(0) * 2 * WORDS;
  __local uint *all = room + SUB_GROUP * LANES * 2 * WORDS;
  barrier(CLK_LOCAL_MEM_FENCE);
#if UNITS == 1
  vstore8(convert_uint8(as_ushort8(left)), 0, own);
  vstore8(as_uint8(right), 1, own);
#elif UNITS == 2
  vstore8(as_uint8(left), 0, own);
  vstore8(as_uint8(right), 1, own);
#else
  vstore4(left, 0, own);
  vstore2(right, WORDS / 2, own);
#endif
  barrier(CLK_LOCAL_MEM_FENCE);
  float results[8];
#if UNITS == 3
  int g = LANE / 4;
  int t = LANE % 4;
  vstore4(sums, 0, results);
  for (int i = 0; i < 4; i++) {
    int row = g + i / 2 * 8;
    int column = 2 * t + i % 2;
    for (int k = 0; k < 16; k++) {
      uint a = all[(row % 8 * 4 + k % 8 / 2) * 2 * WORDS + row / 8 + k / 8 * 2];
      uint b = all[(column * 4 + k % 8 / 2) * 2 * WORDS + WORDS + k / 8];
      results[i] += k % 2 ? upper(a) * upper(b) : lower(a) * lower(b);
    }
  }
  return vload4(0, results);
#else
  vstore8(sums, 0, results);
  for (int row = 0; row < 8; row++) {
    for (int lane = 0; lane < LANES; lane++) {
      uint a = all[lane * 2 * WORDS + row];
#if UNITS == 1
      uint b = own[WORDS + lane / 2];
      results[row] += lower(a) * (lane % 2 ? upper(b) : lower(b));
#else
      uint b = own[WORDS + lane];
      results[row] += lower(a) * lower(b);
      results[row] += upper(a) * upper(b);
#endif
    }
  }
  return vload8(0, results);
#endif
}
#define MULTIPLY_ADD(a, b, c) multiply_add(room, a, b, c)
#else
#define UNIT_ROOM
#if UNITS == 3
static Sums multiply_add(const Left a, const Right b, const Sums c) {
  float x = c.s0, y = c.s1, z = c.s2, w = c.s3;
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(x), "+f"(y), "+f"(z), "+f"(w)
      : "r"(a.s0), "r"(a.s1), "r"(a.s2), "r"(a.s3), "r"(b.s0), "r"(b.s1));
  return (float4)(x, y, z, w);
}
#define MULTIPLY_ADD(a, b, c) multiply_add(a, b, c)
#else
#define MULTIPLY_ADD(a, b, c) intel_sub_group_bf16_bf16_matrix_mad_k16(a, b, c)
#endif
#endif

// ---- fragments, from lines of a tile ----

#define WORD(line, k, i) (((__local const uint *)(tile + (line)*LINE + (k)))[i])

static Left load_left(__local const ushort *tile, const int row, const int k) {
#if UNITS == 1
#define NUMBER_OF_ROW(i) (short)tile[(row + i) * LINE + k + LANE]
  return (short8)(EIGHT(NUMBER_OF_ROW));
#elif UNITS == 2
#define WORD_OF_ROW(i) (int)WORD(row + i, k, LANE)
  return (int8)(EIGHT(WORD_OF_ROW));
#else
  int g = row + LANE / 4;
  int t = LANE % 4;
  return (uint4)(WORD(g, k, t), WORD(g + 8, k, t), WORD(g, k, t + 4), WORD(g + 8, k, t + 4));
#endif
}

static Right load_right(__local const ushort *tile, const int column, const int k) {
#if UNITS == 3
  int g = column + LANE / 4;
  return (uint2)(WORD(g, k, LANE % 4), WORD(g, k, LANE % 4 + 4));
#else
#define WORD_OF_COLUMN(i) (int)WORD(column + LANE, k, i)
  return (int8)(EIGHT(WORD_OF_COLUMN));
#endif
}

// Where number i of a lane's sums is in (UNIT_ROWS, UNIT_COLUMNS).
#if UNITS == 3
#define NUMBERS 4
#define ROW_OF(i) (LANE / 4 + (i) / 2 * 8)
#define COLUMN_OF(i) (LANE % 4 * 2 + (i) % 2)
#define STORE_SUMS(x, to) vstore4(x, 0, to)
#else
#define NUMBERS 8
#define ROW_OF(i) (i)
#define COLUMN_OF(i) LANE
#define STORE_SUMS(x, to) vstore8(x, 0, to)
#endif

// ---- tiles ----

// How an operand lies: ALONG, the summed index runs along memory; ACROSS, the other one does.
#define ALONG true
#define ACROSS false

// Calls TAKE for four neighbours in memory at a time: of line `line` the steps from `step` on, or of step
// `step` the lines from `line` on, `count` of which exist.
#define BRING(TAKE, X, STRIDE, WAY, FIRST, LINES, FROM, STEPS)                            \
  for (int slot = get_local_id(0); slot < SIDE * DEPTH / 4; slot += ITEMS) {              \
    int line = WAY ? slot / (DEPTH / 4) : slot % (SIDE / 4) * 4;                          \
    int step = WAY ? slot % (DEPTH / 4) * 4 : slot / (SIDE / 4);                          \
    bool there = FIRST + line < LINES && FROM + step < STEPS;                             \
    int count = !there ? 0 : WAY ? STEPS - (FROM + step) : (int)(LINES - (FIRST + line)); \
    ulong at = WAY ? (ulong)(FIRST + line) * STRIDE + FROM + step                         \
                   : (ulong)(FROM + step) * STRIDE + FIRST + line;                        \
    __local ushort *to;                                                                   \
    int apart = WAY ? 1 : LINE;                                                           \
    TAKE(X, STRIDE, line *LINE + step)                                                    \
  }

#define KEEP(tile, place, value) \
  to = (tile) + (place);         \
  to[0] = (value).s0;            \
  to[apart] = (value).s1;        \
  to[2 * apart] = (value).s2;    \
  to[3 * apart] = (value).s3;

#define FOUR(TYPE, X, STRIDE)                                                             \
  X##_at % 4 == 0 && STRIDE % 4 == 0 && count >= 4                                        \
      ? *(__global const TYPE##4 *)(X + X##_at + at)                                      \
      : (TYPE##4)(count > 0 ? (X + X##_at)[at] : 0, count > 1 ? (X + X##_at)[at + 1] : 0, \
                  count > 2 ? (X + X##_at)[at + 2] : 0, count > 3 ? (X + X##_at)[at + 3] : 0)

#define TAKE_LEFT(X, STRIDE, place)        \
  ushort4 value = FOUR(ushort, X, STRIDE); \
  KEEP(left, place, value)

#define TAKE_RIGHT(X, STRIDE, place)       \
  ushort4 value = FOUR(ushort, X, STRIDE); \
  KEEP(right, place, value)

#define TAKE_WEIGHT(X, STRIDE, place)                                 \
  float4 value = FOUR(float, X, STRIDE);                              \
  ushort4 high = bf16_4(value);                                       \
  ushort4 low = bf16_4(value - as_float4(convert_uint4(high) << 16)); \
  KEEP(right, place, high)                                            \
  KEEP(rest, place, low)

// A kernel's body: RESULT(i,j) = the sum over p of A(i,p) B(j,p), to which STORE_1 adds what else there is.
// PARTS is 2 where B is a weight.
#define PRODUCT(STORE_1, A, A_STRIDE, A_WAY, TAKE_B, B, B_STRIDE, B_WAY, PARTS, ROWS_OF_A, \
                ROWS_OF_B, COUNT)                                                          \
  __local ushort left[SIDE * LINE] __attribute__((aligned(16)));                           \
  __local ushort right[SIDE * LINE] __attribute__((aligned(16)));                          \
  __local ushort rest[PARTS == 2 ? SIDE * LINE : 8] __attribute__((aligned(16)));          \
  UNIT_ROOM                                                                                \
  size_t firstRow = GROUP_ID(1) * SIDE;                                                    \
  size_t firstColumn = GROUP_ID(0) * SIDE;                                                 \
  int ownRow = SUB_GROUP / (SIDE / OWN_COLUMNS) * OWN_ROWS;                                \
  int ownColumn = SUB_GROUP % (SIDE / OWN_COLUMNS) * OWN_COLUMNS;                          \
  Sums sums[OWN_ROWS / UNIT_ROWS][OWN_COLUMNS / UNIT_COLUMNS];                             \
  for (int i = 0; i < OWN_ROWS / UNIT_ROWS; i++) {                                         \
    for (int j = 0; j < OWN_COLUMNS / UNIT_COLUMNS; j++) {                                 \
      sums[i][j] = (Sums)(0.0f);                                                           \
    }                                                                                      \
  }                                                                                        \
  for (int from = 0; from < COUNT; from += DEPTH) {                                        \
    barrier(CLK_LOCAL_MEM_FENCE);                                                          \
    BRING(TAKE_LEFT, A, A_STRIDE, A_WAY, firstRow, ROWS_OF_A, from, COUNT)                 \
    BRING(TAKE_B, B, B_STRIDE, B_WAY, firstColumn, ROWS_OF_B, from, COUNT)                 \
    barrier(CLK_LOCAL_MEM_FENCE);                                                          \
    for (int k = 0; k < DEPTH; k += 16) {                                                  \
      Left a[OWN_ROWS / UNIT_ROWS];                                                        \
      for (int i = 0; i < OWN_ROWS / UNIT_ROWS; i++) {                                     \
        a[i] = load_left(left, ownRow + i * UNIT_ROWS, k);                                 \
      }                                                                                    \
      for (int j = 0; j < OWN_COLUMNS / UNIT_COLUMNS; j++) {                               \
        for (int part = PARTS - 1; part >= 0; part--) {                                    \
          Right b = load_right(part ? rest : right, ownColumn + j * UNIT_COLUMNS, k);      \
          for (int i = 0; i < OWN_ROWS / UNIT_ROWS; i++) {                                 \
            sums[i][j] = MULTIPLY_ADD(a[i], b, sums[i][j]);                                \
          }                                                                                \
        }                                                                                  \
      }                                                                                    \
    }                                                                                      \
  }                                                                                        \
  for (int i = 0; i < OWN_ROWS / UNIT_ROWS; i++) {                                         \
    for (int j = 0; j < OWN_COLUMNS / UNIT_COLUMNS; j++) {                                 \
      float numbers[NUMBERS];                                                              \
      STORE_SUMS(sums[i][j], numbers);                                                     \
      for (int e = 0; e < NUMBERS; e++) {                                                  \
        size_t row = firstRow + ownRow + i * UNIT_ROWS + ROW_OF(e);                        \
        size_t column = firstColumn + ownColumn + j * UNIT_COLUMNS + COLUMN_OF(e);         \
        if (row < ROWS_OF_A && column < ROWS_OF_B) {                                       \
          size_t place = row * ROWS_OF_B + column;                                         \
          STORE_1(numbers[e], place, column)                                               \
        }                                                                                  \
      }                                                                                    \
    }                                                                                      \
  }

#define STORE_OUT(x, place, column) \
  STORE(hasBias ? x + bias[bias_at + column] : x, place, out + out_at);
#define STORE_IN(x, place, column) STORE(x, place, dIn + dIn_at);
#define STORE_WEIGHT(x, place, column)               \
  __global float *to = dWeight + dWeight_at + place; \
  *to = accumulate ? *to + x : x;

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) OF_LANES void matmul_forward_v5(
    ACTIVATIONS_OUT(out), ACTIVATIONS(in), IN(weight), IN(bias), const int hasBias, const int m,
    const int n,
    const int k){PRODUCT(STORE_OUT, in, k, ALONG, TAKE_WEIGHT, weight, k, ALONG, 2, m, n, k)}

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) OF_LANES
    void matmul_backward_input_v5(ACTIVATIONS_OUT(dIn), ACTIVATIONS(dOut), IN(weight), const int m,
                                  const int n, const int k){
        PRODUCT(STORE_IN, dOut, n, ALONG, TAKE_WEIGHT, weight, k, ACROSS, 2, m, k, n)}

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) OF_LANES
    void matmul_backward_weight_v5(OUT(dWeight), ACTIVATIONS(dOut), ACTIVATIONS(in), const int m,
                                   const int n, const int k, const int accumulate) {
  PRODUCT(STORE_WEIGHT, dOut, n, ACROSS, TAKE_RIGHT, in, k, ACROSS, 1, n, k, m)
}
