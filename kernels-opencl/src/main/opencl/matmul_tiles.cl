// Version 4 of the products that matmul.cl describes, for GPUs: the same chains of fma, so the same
// bits. Differences from version 2, in which local memory is the limit:
//
// - A work-group of 16 x 16 computes 128 x 64 elements, 8 x 4 each: three vectors of local memory feed
//   32 fma, where two fed 16.
// - Lines of a tile are 4 longer than what they hold, so that transposing writes go to different
//   banks; with lines of 64, sixteen work-items met in one.
// - Memory and local memory are read and written four numbers at a time, where addresses allow.
// - Two tiles of each operand take turns: the next 8 steps are on their way while these are used, and
//   there is one barrier per 8 steps. 12.5 KiB of local memory.

#define TALL 128
#define WIDE 64
#define STEPS 8
#define A_LINE (TALL + 4)
#define B_LINE (WIDE + 4)

// How an operand lies: ALONG, the summed index runs along memory; ACROSS, the other one does.
#define ALONG true
#define ACROSS false

// Four neighbours of an operand, zero outside of it, of which work-item or slot number `slot` of a tile
// takes care: of line first + i the steps from + p on, or of step from + p the lines first + i on.
#define SLOT_LINE(way, slot, side) ((way) ? (slot) / 2 : (slot) % ((side) / 4) * 4)
#define SLOT_STEP(way, slot, side) ((way) ? (slot) % 2 * 4 : (slot) / ((side) / 4))

#define DEFINE_FETCH(NAME, TYPE, LOAD_1, LOAD_4)                                           \
  static float4 NAME(__global const TYPE *x, const size_t stride, const bool way,          \
                     const bool whole, const int side, const int slot, const size_t first, \
                     const int lines, const int from, const int steps) {                   \
    size_t line = first + SLOT_LINE(way, slot, side);                                      \
    int step = from + SLOT_STEP(way, slot, side);                                          \
    float4 result = (float4)(0.0f);                                                        \
    if (line < lines && step < steps) {                                                    \
      size_t at = way ? line * stride + step : step * stride + line;                       \
      int count = way ? steps - step : lines - (int)line;                                  \
      if (whole && count >= 4) {                                                           \
        result = LOAD_4(at / 4, x);                                                        \
      } else {                                                                             \
        result.s0 = LOAD_1(at, x);                                                         \
        result.s1 = count > 1 ? LOAD_1(at + 1, x) : 0.0f;                                  \
        result.s2 = count > 2 ? LOAD_1(at + 2, x) : 0.0f;                                  \
        result.s3 = count > 3 ? LOAD_1(at + 3, x) : 0.0f;                                  \
      }                                                                                    \
    }                                                                                      \
    return result;                                                                         \
  }

#define LOAD_FLOAT(i, x) ((x)[i])
#define LOAD_FLOAT4(v, x) (((__global const float4 *)(x))[v])
#define STORE_FLOAT(value, i, x) ((x)[i] = (value))
#define STORE_FLOAT4(value, v, x) (((__global float4 *)(x))[v] = (value))

DEFINE_FETCH(fetch, activation, LOAD, LOAD4)
DEFINE_FETCH(fetch_float, float, LOAD_FLOAT, LOAD_FLOAT4)

// Puts what a slot fetched where tile[step][line] is.
static void keep(__local float *tile, const float4 x, const bool way, const int side,
                 const int slot) {
  int size = side + 4;
  __local float *to = tile + SLOT_STEP(way, slot, side) * size + SLOT_LINE(way, slot, side);
  if (way) {
    to[0] = x.s0;
    to[size] = x.s1;
    to[2 * size] = x.s2;
    to[3 * size] = x.s3;
  } else {
    *(__local float4 *)to = x;
  }
}

// sum += the products of the work-item's 8 rows and 4 columns of two tiles.
static void add_products(float4 sum[8], __local const float *aTile, __local const float *bTile) {
  __local const float4 *a = (__local const float4 *)aTile + get_local_id(1);
  __local const float4 *b = (__local const float4 *)bTile + get_local_id(0);
  for (int p = 0; p < STEPS; p++) {
    float4 x = a[p * (A_LINE / 4)];
    float4 z = a[p * (A_LINE / 4) + TALL / 8];
    float4 y = b[p * (B_LINE / 4)];
    sum[0] = fma((float4)(x.s0), y, sum[0]);
    sum[1] = fma((float4)(x.s1), y, sum[1]);
    sum[2] = fma((float4)(x.s2), y, sum[2]);
    sum[3] = fma((float4)(x.s3), y, sum[3]);
    sum[4] = fma((float4)(z.s0), y, sum[4]);
    sum[5] = fma((float4)(z.s1), y, sum[5]);
    sum[6] = fma((float4)(z.s2), y, sum[6]);
    sum[7] = fma((float4)(z.s3), y, sum[7]);
  }
}

// The work-item's r-th row: four in the upper half of the tile, four in the lower.
#define ROW(r) (firstRow + 4 * get_local_id(1) + (r) % 4 + (r) / 4 * (TALL / 2))

// Whether rows of `stride` numbers that begin at `first` can be taken as whole vectors.
static bool whole_vectors(const size_t stride, const ulong first) {
  return stride % 4 == 0 && first % 4 == 0;
}

// A kernel's body: result(i,j) = START + the sum over p of a(i,p) b(j,p) for the work-group's elements.
// A and B are an operand's name, stride and way; FETCH_B, STORE_1 and STORE_4 are for their formats.
#define PRODUCT(RESULT, START, STORE_1, STORE_4, A, A_STRIDE, A_WAY, FETCH_B, B, B_STRIDE, B_WAY, \
                ROWS_OF_A, ROWS_OF_B, COUNT)                                                      \
  __local float4 aTiles[2 * STEPS * A_LINE / 4];                                                  \
  __local float4 bTiles[2 * STEPS * B_LINE / 4];                                                  \
  int item = get_local_id(1) * 16 + get_local_id(0);                                              \
  size_t firstRow = GROUP_ID(1) * TALL;                                                           \
  size_t firstColumn = GROUP_ID(0) * WIDE;                                                        \
  size_t column = firstColumn + 4 * get_local_id(0);                                              \
  bool aWhole = whole_vectors(A_STRIDE, A##_at);                                                  \
  bool bWhole = whole_vectors(B_STRIDE, B##_at);                                                  \
  float4 sum[8];                                                                                  \
  for (int r = 0; r < 8; r++) {                                                                   \
    sum[r] = (float4)(0.0f);                                                                      \
    START                                                                                         \
  }                                                                                               \
  float4 nextA = (float4)(0.0f);                                                                  \
  float4 nextB = (float4)(0.0f);                                                                  \
  for (int from = -STEPS; from < COUNT; from += STEPS) {                                          \
    __local float *a = (__local float *)aTiles + (from / STEPS + 2) % 2 * STEPS * A_LINE;         \
    __local float *b = (__local float *)bTiles + (from / STEPS + 2) % 2 * STEPS * B_LINE;         \
    bool more = from + STEPS < COUNT;                                                             \
    if (more) {                                                                                   \
      nextA = fetch(A + A##_at, A_STRIDE, A_WAY, aWhole, TALL, item, firstRow, ROWS_OF_A,         \
                    from + STEPS, COUNT);                                                         \
    }                                                                                             \
    if (more && item < STEPS * WIDE / 4) {                                                        \
      nextB = FETCH_B(B + B##_at, B_STRIDE, B_WAY, bWhole, WIDE, item, firstColumn, ROWS_OF_B,    \
                      from + STEPS, COUNT);                                                       \
    }                                                                                             \
    if (from >= 0) {                                                                              \
      add_products(sum, a, b);                                                                    \
    }                                                                                             \
    __local float *otherA = (__local float *)aTiles + (from / STEPS + 1) % 2 * STEPS * A_LINE;    \
    __local float *otherB = (__local float *)bTiles + (from / STEPS + 1) % 2 * STEPS * B_LINE;    \
    if (more) {                                                                                   \
      keep(otherA, nextA, A_WAY, TALL, item);                                                     \
    }                                                                                             \
    if (more && item < STEPS * WIDE / 4) {                                                        \
      keep(otherB, nextB, B_WAY, WIDE, item);                                                     \
    }                                                                                             \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                 \
  }                                                                                               \
  bool resultWhole = whole_vectors(ROWS_OF_B, RESULT##_at);                                       \
  for (int r = 0; r < 8; r++) {                                                                   \
    size_t at = ROW(r) * ROWS_OF_B + column;                                                      \
    if (ROW(r) < ROWS_OF_A && column < ROWS_OF_B) {                                               \
      if (resultWhole) {                                                                          \
        STORE_4(sum[r], at / 4, RESULT + RESULT##_at);                                            \
      } else {                                                                                    \
        STORE_1(sum[r].s0, at, RESULT + RESULT##_at);                                             \
        if (column + 1 < ROWS_OF_B)                                                               \
          STORE_1(sum[r].s1, at + 1, RESULT + RESULT##_at);                                       \
        if (column + 2 < ROWS_OF_B)                                                               \
          STORE_1(sum[r].s2, at + 2, RESULT + RESULT##_at);                                       \
        if (column + 3 < ROWS_OF_B)                                                               \
          STORE_1(sum[r].s3, at + 3, RESULT + RESULT##_at);                                       \
      }                                                                                           \
    }                                                                                             \
  }

// Four numbers that begin at x[i], zero from x[i + count] on.
static float4 four(__global const float *x, const size_t i, const int count) {
  return (float4)(x[i], count > 1 ? x[i + 1] : 0.0f, count > 2 ? x[i + 2] : 0.0f,
                  count > 3 ? x[i + 3] : 0.0f);
}

#define FROM_ZERO
#define FROM_BIAS                                           \
  if (hasBias && column < n) {                              \
    sum[r] = four(bias + bias_at, column, n - (int)column); \
  }
#define FROM_RESULT                                                            \
  if (accumulate && ROW(r) < n && column < k) {                                \
    sum[r] = four(dWeight + dWeight_at, ROW(r) * k + column, k - (int)column); \
  }

__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void matmul_forward_v4(
    ACTIVATIONS_OUT(out), ACTIVATIONS(in), IN(weight), IN(bias), const int hasBias, const int m,
    const int n, const int k){
    PRODUCT(out, FROM_BIAS, STORE, STORE4, in, k, ALONG, fetch_float, weight, k, ALONG, m, n, k)}

__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void matmul_backward_input_v4(
    ACTIVATIONS_OUT(dIn), ACTIVATIONS(dOut), IN(weight), const int m, const int n, const int k){
    PRODUCT(dIn, FROM_ZERO, STORE, STORE4, dOut, n, ALONG, fetch_float, weight, k, ACROSS, m, k, n)}

__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void matmul_backward_weight_v4(
    OUT(dWeight), ACTIVATIONS(dOut), ACTIVATIONS(in), const int m, const int n, const int k,
    const int accumulate) {
  PRODUCT(dWeight, FROM_RESULT, STORE_FLOAT, STORE_FLOAT4, dOut, n, ACROSS, fetch, in, k, ACROSS, n,
          k, m)
}
