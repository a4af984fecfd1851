// The products of a linear layer, with M = B*T rows:
//   forward            out = in weightT + bias       in (M,K), weight (N,K), bias (N), out (M,N)
//   backward to input  dIn = dOut weight             dOut (M,N), dIn (M,K)
//   backward to weight dWeight (+)= dOutT in         dWeight (N,K)
// Each sum is one chain of fma in order of the summed index, so all versions give the same bits.
//
// Arithmetic: 2 M N K operations each. Memory, at least: 4 (M K + N K + M N) bytes.
// v4, whose kernels are in matmul_tiles.cl, is v2 with larger tiles, and without what held it up.
//
// v1  one work-item per element of the result, which reads a row of each operand: 8 bytes per fma,
//     from whatever cache catches them.
// v2  for GPUs: a work-group of 16 x 16 computes 64 x 64 elements, 4 x 4 each. Both operands pass
//     through local memory 16 steps at a time: each number is loaded once per 64 uses, and each
//     local load feeds 2 fma.
// v3  for CPUs: work-groups of one work-item, which keeps 8 rows of 32 results in vector registers.
//     What runs along the lanes is packed beforehand into panels 32 wide, so that the inner loop
//     loads two whole vectors, broadcasts 8 numbers and does 16 vector fma. Forward, the lanes run
//     along M: the activations, which are small, are packed transposed, and the weight is read where
//     it is. Backward, they run along K. Below 4 rows forward dots rows with the weight instead, in
//     sixteen lanes, since then the weight's bytes are the limit; only there the bits differ.

#if HAS(1)

__kernel void matmul_forward_v1(ACTIVATIONS_OUT(out), ACTIVATIONS(in), IN(weight), IN(bias),
                                const int hasBias, const int m, const int n, const int k) {
  size_t j = get_global_id(0);
  size_t i = get_global_id(1);
  if (i < m && j < n) {
    float sum = hasBias ? bias[bias_at + j] : 0.0f;
    for (int p = 0; p < k; p++) {
      sum = fma(LOAD(i * k + p, in + in_at), weight[weight_at + j * k + p], sum);
    }
    STORE(sum, i * n + j, out + out_at);
  }
}

__kernel void matmul_backward_input_v1(ACTIVATIONS_OUT(dIn), ACTIVATIONS(dOut), IN(weight),
                                       const int m, const int n, const int k) {
  size_t j = get_global_id(0);
  size_t i = get_global_id(1);
  if (i < m && j < k) {
    float sum = 0.0f;
    for (int p = 0; p < n; p++) {
      sum = fma(LOAD(i * n + p, dOut + dOut_at), weight[weight_at + (size_t)p * k + j], sum);
    }
    STORE(sum, i * k + j, dIn + dIn_at);
  }
}

__kernel void matmul_backward_weight_v1(OUT(dWeight), ACTIVATIONS(dOut), ACTIVATIONS(in),
                                        const int m, const int n, const int k,
                                        const int accumulate) {
  size_t j = get_global_id(0);
  size_t i = get_global_id(1);
  if (i < n && j < k) {
    float sum = accumulate ? dWeight[dWeight_at + i * k + j] : 0.0f;
    for (int p = 0; p < m; p++) {
      float d = LOAD((size_t)p * n + i, dOut + dOut_at);
      sum = fma(d, LOAD((size_t)p * k + j, in + in_at), sum);
    }
    dWeight[dWeight_at + i * k + j] = sum;
  }
}

#endif

// ---- v2 ----

#define SIDE 64
#define STEPS 16
#define FROM_ZERO 0
#define FROM_BIAS 1
#define FROM_RESULT 2

// Loads STEPS x SIDE numbers of an operand, zero outside of it: tile[p][i] = x(first + i, from + p)
// with neighbours in memory taken by neighbouring work-items.
#define DEFINE_LOAD_TILE(NAME, TYPE, LOAD_ONE)                                                  \
  static void NAME(__local float *tile, __global const TYPE *x, const size_t line,              \
                   const size_t step, const size_t first, const int lines, const int from,      \
                   const int steps) {                                                           \
    int item = get_local_id(1) * 16 + get_local_id(0);                                          \
    for (int round = 0; round < SIDE * STEPS / 256; round++) {                                  \
      int i = step == 1 ? item / STEPS + round * (256 / STEPS) : item % SIDE;                   \
      int p = step == 1 ? item % STEPS : item / SIDE + round * (256 / SIDE);                    \
      bool inside = first + i < lines && from + p < steps;                                      \
      tile[p * SIDE + i] = inside ? LOAD_ONE((first + i) * line + (from + p) * step, x) : 0.0f; \
    }                                                                                           \
  }

#define LOAD_FLOAT(i, x) ((x)[i])

DEFINE_LOAD_TILE(load_tile_v2, activation, LOAD)
DEFINE_LOAD_TILE(load_float_tile_v2, float, LOAD_FLOAT)

// sum += the products of the work-item's 4 rows and 4 columns of two tiles.
static void add_products_v2(float sum[4][4], __local const float *aTile,
                            __local const float *bTile) {
  for (int p = 0; p < STEPS; p++) {
    float4 x = vload4(get_local_id(1), aTile + p * SIDE);
    float4 y = vload4(get_local_id(0), bTile + p * SIDE);
    float xs[4] = {x.s0, x.s1, x.s2, x.s3};
    float ys[4] = {y.s0, y.s1, y.s2, y.s3};
    for (int i = 0; i < 4; i++) {
      for (int j = 0; j < 4; j++) {
        sum[i][j] = fma(xs[i], ys[j], sum[i][j]);
      }
    }
  }
}

// result(i,j) = start + the sum over p of a(i,p) b(j,p), for the work-group's 64 x 64 elements. a is
// activations; b and the result are what a definition says.
#define DEFINE_PRODUCT(NAME, B, LOAD_B_TILE, RESULT, LOAD_RESULT, STORE_RESULT)                   \
  static void NAME(__global RESULT *result, __global const float *bias, const int start,          \
                   __global const activation *a, const size_t aLine, const size_t aStep,          \
                   __global const B *b, const size_t bLine, const size_t bStep, const int rows,   \
                   const int columns, const int steps, __local float *aTile,                      \
                   __local float *bTile) {                                                        \
    size_t firstRow = GROUP_ID(1) * SIDE;                                                         \
    size_t firstColumn = GROUP_ID(0) * SIDE;                                                      \
    size_t row = firstRow + 4 * get_local_id(1);                                                  \
    size_t column = firstColumn + 4 * get_local_id(0);                                            \
    float sum[4][4];                                                                              \
    for (int i = 0; i < 4; i++) {                                                                 \
      for (int j = 0; j < 4; j++) {                                                               \
        sum[i][j] = 0.0f;                                                                         \
        if (start != FROM_ZERO && row + i < rows && column + j < columns) {                       \
          sum[i][j] = start == FROM_BIAS ? bias[column + j]                                       \
                                         : LOAD_RESULT((row + i) * columns + column + j, result); \
        }                                                                                         \
      }                                                                                           \
    }                                                                                             \
    for (int from = 0; from < steps; from += STEPS) {                                             \
      load_tile_v2(aTile, a, aLine, aStep, firstRow, rows, from, steps);                          \
      LOAD_B_TILE(bTile, b, bLine, bStep, firstColumn, columns, from, steps);                     \
      barrier(CLK_LOCAL_MEM_FENCE);                                                               \
      add_products_v2(sum, aTile, bTile);                                                         \
      barrier(CLK_LOCAL_MEM_FENCE);                                                               \
    }                                                                                             \
    for (int i = 0; i < 4; i++) {                                                                 \
      for (int j = 0; j < 4; j++) {                                                               \
        if (row + i < rows && column + j < columns) {                                             \
          STORE_RESULT(sum[i][j], (row + i) * columns + column + j, result);                      \
        }                                                                                         \
      }                                                                                           \
    }                                                                                             \
  }

#define STORE_FLOAT(value, i, x) ((x)[i] = (value))

DEFINE_PRODUCT(product_v2, float, load_float_tile_v2, activation, LOAD, STORE)
DEFINE_PRODUCT(weight_product_v2, activation, load_tile_v2, float, LOAD_FLOAT, STORE_FLOAT)

#if HAS(2)

__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void matmul_forward_v2(
    ACTIVATIONS_OUT(out), ACTIVATIONS(in), IN(weight), IN(bias), const int hasBias, const int m,
    const int n, const int k) {
  __local float aTile[SIDE * STEPS];
  __local float bTile[SIDE * STEPS];
  product_v2(out + out_at, bias + bias_at, hasBias ? FROM_BIAS : FROM_ZERO, in + in_at, k, 1,
             weight + weight_at, k, 1, m, n, k, aTile, bTile);
}

__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void matmul_backward_input_v2(
    ACTIVATIONS_OUT(dIn), ACTIVATIONS(dOut), IN(weight), const int m, const int n, const int k) {
  __local float aTile[SIDE * STEPS];
  __local float bTile[SIDE * STEPS];
  product_v2(dIn + dIn_at, weight, FROM_ZERO, dOut + dOut_at, n, 1, weight + weight_at, 1, k, m, k,
             n, aTile, bTile);
}

__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void matmul_backward_weight_v2(
    OUT(dWeight), ACTIVATIONS(dOut), ACTIVATIONS(in), const int m, const int n, const int k,
    const int accumulate) {
  __local float aTile[SIDE * STEPS];
  __local float bTile[SIDE * STEPS];
  weight_product_v2(dWeight + dWeight_at, dWeight, accumulate ? FROM_RESULT : FROM_ZERO,
                    dOut + dOut_at, 1, n, in + in_at, 1, k, n, k, m, aTile, bTile);
}

#endif

// ---- v3 ----

#define DEPTH 96

#define BY_WEIGHT(R) MULTIPLY(R, w##R[p])
#define BY_OUT(R) MULTIPLY(R, LOAD(p, d##R))
#define BY_COLUMN(R) MULTIPLY(R, a[p * WEIGHT_ROWS + R])

#if HAS(3)

// packed[panel][p][lane] = x(32 panel + lane, p), zero beyond the last line: one work-item per panel
// and 16 steps.
__kernel void pack_lines_v3(OUT(packed), ACTIVATIONS(x), const int lines, const int steps) {
  int from = 16 * get_global_id(0);
  int first = PANEL * get_global_id(1);
  int count = min(16, steps - from);
  __global float *to = packed + packed_at + ((size_t)get_global_id(1) * steps + from) * PANEL;
  for (int lane = 0; lane < PANEL; lane++) {
    __global const activation *line = x + x_at + (size_t)(first + lane) * steps + from;
    for (int p = 0; p < count; p++) {
      to[p * PANEL + lane] = first + lane < lines ? LOAD(p, line) : 0.0f;
    }
  }
}

// packed[panel][p][lane] = x(p, 32 panel + lane), zero beyond the last column: one work-item per
// panel and 16 steps.
__kernel void pack_columns_v3(OUT(packed), ACTIVATIONS(x), const int steps, const int columns) {
  int from = 16 * get_global_id(0);
  int first = PANEL * get_global_id(1);
  int count = min(16, steps - from);
  __global float *to = packed + packed_at + ((size_t)get_global_id(1) * steps + from) * PANEL;
  for (int p = 0; p < count; p++) {
    __global const activation *row = x + x_at + (size_t)(from + p) * columns + first;
    for (int lane = 0; lane < PANEL; lane++) {
      to[p * PANEL + lane] = first + lane < columns ? LOAD(lane, row) : 0.0f;
    }
  }
}

// One work-item per 32 rows of the weight and 8 panels of in.
#define FORWARD_ROWS 32
#define FORWARD_PANELS 8

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void matmul_forward_v3(
    ACTIVATIONS_OUT(out), IN(packed), IN(weight), IN(bias), const int hasBias, const int m,
    const int n, const int k) {
  int firstRow = FORWARD_ROWS * get_global_id(0);
  int endRow = min(n, firstRow + FORWARD_ROWS);
  int firstPanel = FORWARD_PANELS * get_global_id(1);
  int endPanel = min((m + PANEL - 1) / PANEL, firstPanel + FORWARD_PANELS);
  for (int panel = firstPanel; panel < endPanel; panel++) {
    __global const float *lanes = packed + packed_at + (size_t)panel * k * PANEL;
    for (int row = firstRow; row < endRow; row += ROWS) {
      EACH_ROW(DECLARE)
#define POINT(R)                                                                     \
  __global const float *w##R = weight + weight_at + (size_t)min(row + R, n - 1) * k; \
  sum##R = tail##R = (float16)(hasBias ? bias[bias_at + min(row + R, n - 1)] : 0.0f);
      EACH_ROW(POINT)
      ACCUMULATE(k, lanes, BY_WEIGHT)
      float result[ROWS][PANEL];
#define SPILL(R)                  \
  vstore16(sum##R, 0, result[R]); \
  vstore16(tail##R, 1, result[R]);
      EACH_ROW(SPILL)
      int count = min(PANEL, m - panel * PANEL);
      int rows = min(ROWS, endRow - row);
      for (int lane = 0; lane < count; lane++) {
        __global activation *to = out + out_at + (size_t)(panel * PANEL + lane) * n + row;
        for (int r = 0; r < rows; r++) {
          STORE(result[r][lane], r, to);
        }
      }
    }
  }
}

// Few rows: one work-item per row of the weight.
__kernel void matmul_forward_few_v3(ACTIVATIONS_OUT(out), ACTIVATIONS(in), IN(weight), IN(bias),
                                    const int hasBias, const int m, const int n, const int k) {
  size_t j = get_global_id(0);
  if (j >= n) {
    return;
  }
  __global const float *w = weight + weight_at + j * k;
  for (int i = 0; i < m; i++) {
    __global const activation *x = in + in_at + (size_t)i * k;
    float16 lanes = (float16)(0.0f);
    int p = 0;
    for (; p + 16 <= k; p += 16) {
      lanes = fma(LOAD16(0, x + p), vload16(0, w + p), lanes);
    }
    float sum = hasBias ? bias[bias_at + j] : 0.0f;
    for (; p < k; p++) {
      sum = fma(LOAD(p, x), w[p], sum);
    }
    STORE(sum + sum_16(lanes), (size_t)i * n + j, out + out_at);
  }
}

// Loads and stores 8 x 32 results, of which those outside are neither read nor written.
static void load_rows_v3(float result[ROWS][PANEL], __global const float *from, const size_t line,
                         const int rows, const int columns) {
  for (int r = 0; r < ROWS; r++) {
    for (int lane = 0; lane < PANEL; lane++) {
      result[r][lane] = r < rows && lane < columns ? from[r * line + lane] : 0.0f;
    }
  }
}

static void store_rows_v3(float result[ROWS][PANEL], __global float *to, const size_t line,
                          const int rows, const int columns) {
  for (int r = 0; r < rows; r++) {
    for (int lane = 0; lane < columns; lane++) {
      to[r * line + lane] = result[r][lane];
    }
  }
}

#define START(R)                         \
  sum##R = tail##R = (float16)(0.0f);    \
  if (start && whole) {                  \
    sum##R = vload16(0, to + R * line);  \
    tail##R = vload16(1, to + R * line); \
  } else if (start) {                    \
    sum##R = vload16(0, result[R]);      \
    tail##R = vload16(1, result[R]);     \
  }
#define FINISH(R)                        \
  if (whole) {                           \
    vstore16(sum##R, 0, to + R * line);  \
    vstore16(tail##R, 1, to + R * line); \
  } else {                               \
    vstore16(sum##R, 0, result[R]);      \
    vstore16(tail##R, 1, result[R]);     \
  }

// One work-item per 32 columns of the weight and 256 rows of dOut; it packs its own columns. Sums
// wait for the next steps in dIn, or, where that has 16 bits, in fp32 beside it.
#define INPUT_ROWS 256

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void matmul_backward_input_v3(
    ACTIVATIONS_OUT(dIn), ACTIVATIONS(dOut), IN(weight), const int m, const int n, const int k) {
  __local float panel[DEPTH * PANEL];
  int column = PANEL * get_global_id(0);
  int columns = min(PANEL, k - column);
  int firstRow = INPUT_ROWS * get_global_id(1);
  int endRow = min(m, firstRow + INPUT_ROWS);
  float result[ROWS][PANEL];
#if ACTIVATION == 0
  size_t line = k;
#else
  size_t line = PANEL;
  float sums[INPUT_ROWS * PANEL];
#endif
  for (int from = 0; from < n; from += DEPTH) {
    int depth = min(DEPTH, n - from);
    __global const float *w = weight + weight_at + (size_t)from * k + column;
    if (columns == PANEL) {
      for (int p = 0; p < depth; p++) {
        vstore16(vload16(0, w + (size_t)p * k), 2 * p, panel);
        vstore16(vload16(1, w + (size_t)p * k), 2 * p + 1, panel);
      }
    } else {
      for (int p = 0; p < depth; p++) {
        for (int lane = 0; lane < PANEL; lane++) {
          panel[p * PANEL + lane] = lane < columns ? w[(size_t)p * k + lane] : 0.0f;
        }
      }
    }
    for (int row = firstRow; row < endRow; row += ROWS) {
      bool start = from > 0;
#if ACTIVATION == 0
      int rows = min(ROWS, endRow - row);
      bool whole = rows == ROWS && columns == PANEL;
      __global float *to = dIn + dIn_at + (size_t)row * k + column;
      if (start && !whole) {
        load_rows_v3(result, to, line, rows, columns);
      }
#else
      bool whole = true;
      float *to = sums + (row - firstRow) * PANEL;
#endif
      EACH_ROW(DECLARE)
      EACH_ROW(START)
#define POINT_INPUT(R) \
  __global const activation *d##R = dOut + dOut_at + (size_t)min(row + R, m - 1) * n + from;
      EACH_ROW(POINT_INPUT)
      ACCUMULATE(depth, panel, BY_OUT)
      EACH_ROW(FINISH)
#if ACTIVATION == 0
      if (!whole) {
        store_rows_v3(result, to, line, rows, columns);
      }
#endif
    }
  }
#if ACTIVATION != 0
  for (int row = firstRow; row < endRow; row++) {
    __global activation *to = dIn + dIn_at + (size_t)row * k + column;
    const float *sum = sums + (row - firstRow) * PANEL;
    if (columns == PANEL) {
      STORE16(vload16(0, sum), 0, to);
      STORE16(vload16(1, sum), 1, to);
    } else {
      for (int lane = 0; lane < columns; lane++) {
        STORE(sum[lane], lane, to);
      }
    }
  }
#endif
}

// One work-item per 32 rows of dWeight; it packs its own columns of dOut.
#define WEIGHT_ROWS 32

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void matmul_backward_weight_v3(
    OUT(dWeight), ACTIVATIONS(dOut), IN(packed), const int m, const int n, const int k,
    const int accumulate) {
  __local float columnsOfOut[DEPTH * WEIGHT_ROWS];
  int firstRow = WEIGHT_ROWS * get_global_id(0);
  int endRow = min(n, firstRow + WEIGHT_ROWS);
  size_t line = k;
  float result[ROWS][PANEL];
  for (int from = 0; from < m; from += DEPTH) {
    int depth = min(DEPTH, m - from);
    for (int p = 0; p < depth; p++) {
      __global const activation *d = dOut + dOut_at + (size_t)(from + p) * n + firstRow;
      for (int r = 0; r < WEIGHT_ROWS; r++) {
        columnsOfOut[p * WEIGHT_ROWS + r] = firstRow + r < n ? LOAD(r, d) : 0.0f;
      }
    }
    for (int column = 0; column < k; column += PANEL) {
      int columns = min(PANEL, k - column);
      __global const float *lanes =
          packed + packed_at + ((size_t)(column / PANEL) * m + from) * PANEL;
      for (int row = firstRow; row < endRow; row += ROWS) {
        int rows = min(ROWS, endRow - row);
        bool start = from > 0 || accumulate;
        bool whole = rows == ROWS && columns == PANEL;
        __global float *to = dWeight + dWeight_at + (size_t)row * k + column;
        if (start && !whole) {
          load_rows_v3(result, to, line, rows, columns);
        }
        EACH_ROW(DECLARE)
        EACH_ROW(START)
        __local const float *a = columnsOfOut + (row - firstRow);
        ACCUMULATE(depth, lanes, BY_COLUMN)
        EACH_ROW(FINISH)
        if (!whole) {
          store_rows_v3(result, to, line, rows, columns);
        }
      }
    }
  }
}

#endif
