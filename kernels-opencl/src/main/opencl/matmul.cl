// The products of a linear layer, with M = B*T rows:
//   forward            out = in weightT + bias       in (M,K), weight (N,K), bias (N), out (M,N)
//   backward to input  dIn = dOut weight             dOut (M,N), dIn (M,K)
//   backward to weight dWeight (+)= dOutT in         dWeight (N,K)
// Each sum is one chain of fma in order of the summed index, so all versions give the same bits.
//
// Arithmetic: 2 M N K operations each. Memory, at least: 4 (M K + N K + M N) bytes.
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

__kernel void matmul_forward_v1(OUT(out), IN(in), IN(weight), IN(bias), const int hasBias,
                                const int m, const int n, const int k) {
  size_t j = get_global_id(0);
  size_t i = get_global_id(1);
  if (i < m && j < n) {
    float sum = hasBias ? bias[bias_at + j] : 0.0f;
    for (int p = 0; p < k; p++) {
      sum = fma(in[in_at + i * k + p], weight[weight_at + j * k + p], sum);
    }
    out[out_at + i * n + j] = sum;
  }
}

__kernel void matmul_backward_input_v1(OUT(dIn), IN(dOut), IN(weight), const int m, const int n,
                                       const int k) {
  size_t j = get_global_id(0);
  size_t i = get_global_id(1);
  if (i < m && j < k) {
    float sum = 0.0f;
    for (int p = 0; p < n; p++) {
      sum = fma(dOut[dOut_at + i * n + p], weight[weight_at + (size_t)p * k + j], sum);
    }
    dIn[dIn_at + i * k + j] = sum;
  }
}

__kernel void matmul_backward_weight_v1(OUT(dWeight), IN(dOut), IN(in), const int m, const int n,
                                        const int k, const int accumulate) {
  size_t j = get_global_id(0);
  size_t i = get_global_id(1);
  if (i < n && j < k) {
    float sum = accumulate ? dWeight[dWeight_at + i * k + j] : 0.0f;
    for (int p = 0; p < m; p++) {
      sum = fma(dOut[dOut_at + (size_t)p * n + i], in[in_at + (size_t)p * k + j], sum);
    }
    dWeight[dWeight_at + i * k + j] = sum;
  }
}

// ---- v2 ----

#define SIDE 64
#define STEPS 16
#define FROM_ZERO 0
#define FROM_BIAS 1
#define FROM_RESULT 2

// Loads STEPS x SIDE numbers of an operand, zero outside of it: tile[p][i] = x(first + i, from + p)
// with neighbours in memory taken by neighbouring work-items.
static void load_tile_v2(__local float *tile, __global const float *x, const size_t line,
                         const size_t step, const size_t first, const int lines, const int from,
                         const int steps) {
  int item = get_local_id(1) * 16 + get_local_id(0);
  for (int round = 0; round < SIDE * STEPS / 256; round++) {
    int i = step == 1 ? item / STEPS + round * (256 / STEPS) : item % SIDE;
    int p = step == 1 ? item % STEPS : item / SIDE + round * (256 / SIDE);
    bool inside = first + i < lines && from + p < steps;
    tile[p * SIDE + i] = inside ? x[(first + i) * line + (from + p) * step] : 0.0f;
  }
}

// result(i,j) = start + the sum over p of a(i,p) b(j,p), for the work-group's 64 x 64 elements.
static void product_v2(__global float *result, __global const float *bias, const int start,
                       __global const float *a, const size_t aLine, const size_t aStep,
                       __global const float *b, const size_t bLine, const size_t bStep,
                       const int rows, const int columns, const int steps, __local float *aTile,
                       __local float *bTile) {
  size_t firstRow = get_group_id(1) * SIDE;
  size_t firstColumn = get_group_id(0) * SIDE;
  size_t row = firstRow + 4 * get_local_id(1);
  size_t column = firstColumn + 4 * get_local_id(0);
  float sum[4][4];
  for (int i = 0; i < 4; i++) {
    for (int j = 0; j < 4; j++) {
      sum[i][j] = 0.0f;
      if (start != FROM_ZERO && row + i < rows && column + j < columns) {
        sum[i][j] = start == FROM_BIAS ? bias[column + j] : result[(row + i) * columns + column + j];
      }
    }
  }
  for (int from = 0; from < steps; from += STEPS) {
    load_tile_v2(aTile, a, aLine, aStep, firstRow, rows, from, steps);
    load_tile_v2(bTile, b, bLine, bStep, firstColumn, columns, from, steps);
    barrier(CLK_LOCAL_MEM_FENCE);
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
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  for (int i = 0; i < 4; i++) {
    for (int j = 0; j < 4; j++) {
      if (row + i < rows && column + j < columns) {
        result[(row + i) * columns + column + j] = sum[i][j];
      }
    }
  }
}

__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void matmul_forward_v2(
    OUT(out), IN(in), IN(weight), IN(bias), const int hasBias, const int m, const int n,
    const int k) {
  __local float aTile[SIDE * STEPS];
  __local float bTile[SIDE * STEPS];
  product_v2(out + out_at, bias + bias_at, hasBias ? FROM_BIAS : FROM_ZERO, in + in_at, k, 1,
             weight + weight_at, k, 1, m, n, k, aTile, bTile);
}

__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void matmul_backward_input_v2(
    OUT(dIn), IN(dOut), IN(weight), const int m, const int n, const int k) {
  __local float aTile[SIDE * STEPS];
  __local float bTile[SIDE * STEPS];
  product_v2(dIn + dIn_at, dOut, FROM_ZERO, dOut + dOut_at, n, 1, weight + weight_at, 1, k, m, k, n,
             aTile, bTile);
}

__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void matmul_backward_weight_v2(
    OUT(dWeight), IN(dOut), IN(in), const int m, const int n, const int k, const int accumulate) {
  __local float aTile[SIDE * STEPS];
  __local float bTile[SIDE * STEPS];
  product_v2(dWeight + dWeight_at, dOut, accumulate ? FROM_RESULT : FROM_ZERO, dOut + dOut_at, 1, n,
             in + in_at, 1, k, n, k, m, aTile, bTile);
}

// ---- v3 ----

#define DEPTH 96

#define BY_WEIGHT(R) MULTIPLY(R, w##R[p])
#define BY_OUT(R) MULTIPLY(R, d##R[p])
#define BY_COLUMN(R) MULTIPLY(R, a[p * WEIGHT_ROWS + R])

// packed[panel][p][lane] = x(32 panel + lane, p), zero beyond the last line: one work-item per panel
// and 16 steps.
__kernel void pack_lines_v3(OUT(packed), IN(x), const int lines, const int steps) {
  int from = 16 * get_global_id(0);
  int first = PANEL * get_global_id(1);
  int count = min(16, steps - from);
  __global float *to = packed + packed_at + ((size_t)get_global_id(1) * steps + from) * PANEL;
  for (int lane = 0; lane < PANEL; lane++) {
    __global const float *line = x + x_at + (size_t)(first + lane) * steps + from;
    for (int p = 0; p < count; p++) {
      to[p * PANEL + lane] = first + lane < lines ? line[p] : 0.0f;
    }
  }
}

// packed[panel][p][lane] = x(p, 32 panel + lane), zero beyond the last column: one work-item per
// panel and 16 steps.
__kernel void pack_columns_v3(OUT(packed), IN(x), const int steps, const int columns) {
  int from = 16 * get_global_id(0);
  int first = PANEL * get_global_id(1);
  int count = min(16, steps - from);
  __global float *to = packed + packed_at + ((size_t)get_global_id(1) * steps + from) * PANEL;
  for (int p = 0; p < count; p++) {
    __global const float *row = x + x_at + (size_t)(from + p) * columns + first;
    for (int lane = 0; lane < PANEL; lane++) {
      to[p * PANEL + lane] = first + lane < columns ? row[lane] : 0.0f;
    }
  }
}

// One work-item per 32 rows of the weight and 8 panels of in.
#define FORWARD_ROWS 32
#define FORWARD_PANELS 8

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void matmul_forward_v3(
    OUT(out), IN(packed), IN(weight), IN(bias), const int hasBias, const int m, const int n,
    const int k) {
  int firstRow = FORWARD_ROWS * get_global_id(0);
  int endRow = min(n, firstRow + FORWARD_ROWS);
  int firstPanel = FORWARD_PANELS * get_global_id(1);
  int endPanel = min((m + PANEL - 1) / PANEL, firstPanel + FORWARD_PANELS);
  for (int panel = firstPanel; panel < endPanel; panel++) {
    __global const float *lanes = packed + packed_at + (size_t)panel * k * PANEL;
    for (int row = firstRow; row < endRow; row += ROWS) {
      EACH_ROW(DECLARE)
#define POINT(R)                                                                        \
  __global const float *w##R = weight + weight_at + (size_t)min(row + R, n - 1) * k;    \
  sum##R = tail##R = (float16)(hasBias ? bias[bias_at + min(row + R, n - 1)] : 0.0f);
      EACH_ROW(POINT)
      ACCUMULATE(k, lanes, BY_WEIGHT)
      float result[ROWS][PANEL];
#define SPILL(R)                    \
  vstore16(sum##R, 0, result[R]);   \
  vstore16(tail##R, 1, result[R]);
      EACH_ROW(SPILL)
      int count = min(PANEL, m - panel * PANEL);
      int rows = min(ROWS, endRow - row);
      for (int lane = 0; lane < count; lane++) {
        __global float *to = out + out_at + (size_t)(panel * PANEL + lane) * n + row;
        for (int r = 0; r < rows; r++) {
          to[r] = result[r][lane];
        }
      }
    }
  }
}

// Few rows: one work-item per row of the weight.
__kernel void matmul_forward_few_v3(OUT(out), IN(in), IN(weight), IN(bias), const int hasBias,
                                    const int m, const int n, const int k) {
  size_t j = get_global_id(0);
  if (j >= n) {
    return;
  }
  __global const float *w = weight + weight_at + j * k;
  for (int i = 0; i < m; i++) {
    __global const float *x = in + in_at + (size_t)i * k;
    float16 lanes = (float16)(0.0f);
    int p = 0;
    for (; p + 16 <= k; p += 16) {
      lanes = fma(vload16(0, x + p), vload16(0, w + p), lanes);
    }
    float sum = hasBias ? bias[bias_at + j] : 0.0f;
    for (; p < k; p++) {
      sum = fma(x[p], w[p], sum);
    }
    out[out_at + (size_t)i * n + j] = sum + sum_16(lanes);
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

#define START(R)                                                                          \
  sum##R = tail##R = (float16)(0.0f);                                                     \
  if (start && whole) {                                                                   \
    sum##R = vload16(0, to + R * line);                                                   \
    tail##R = vload16(1, to + R * line);                                                  \
  } else if (start) {                                                                     \
    sum##R = vload16(0, result[R]);                                                       \
    tail##R = vload16(1, result[R]);                                                      \
  }
#define FINISH(R)                      \
  if (whole) {                         \
    vstore16(sum##R, 0, to + R * line);  \
    vstore16(tail##R, 1, to + R * line); \
  } else {                             \
    vstore16(sum##R, 0, result[R]);    \
    vstore16(tail##R, 1, result[R]);   \
  }

// One work-item per 32 columns of the weight and 256 rows of dOut; it packs its own columns.
#define INPUT_ROWS 256

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void matmul_backward_input_v3(
    OUT(dIn), IN(dOut), IN(weight), const int m, const int n, const int k) {
  __local float panel[DEPTH * PANEL];
  int column = PANEL * get_global_id(0);
  int columns = min(PANEL, k - column);
  int firstRow = INPUT_ROWS * get_global_id(1);
  int endRow = min(m, firstRow + INPUT_ROWS);
  size_t line = k;
  float result[ROWS][PANEL];
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
      int rows = min(ROWS, endRow - row);
      bool start = from > 0;
      bool whole = rows == ROWS && columns == PANEL;
      __global float *to = dIn + dIn_at + (size_t)row * k + column;
      if (start && !whole) {
        load_rows_v3(result, to, line, rows, columns);
      }
      EACH_ROW(DECLARE)
      EACH_ROW(START)
#define POINT_INPUT(R) \
  __global const float *d##R = dOut + dOut_at + (size_t)min(row + R, m - 1) * n + from;
      EACH_ROW(POINT_INPUT)
      ACCUMULATE(depth, panel, BY_OUT)
      EACH_ROW(FINISH)
      if (!whole) {
        store_rows_v3(result, to, line, rows, columns);
      }
    }
  }
}

// One work-item per 32 rows of dWeight; it packs its own columns of dOut.
#define WEIGHT_ROWS 32

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void matmul_backward_weight_v3(
    OUT(dWeight), IN(dOut), IN(packed), const int m, const int n, const int k,
    const int accumulate) {
  __local float columnsOfOut[DEPTH * WEIGHT_ROWS];
  int firstRow = WEIGHT_ROWS * get_global_id(0);
  int endRow = min(n, firstRow + WEIGHT_ROWS);
  size_t line = k;
  float result[ROWS][PANEL];
  for (int from = 0; from < m; from += DEPTH) {
    int depth = min(DEPTH, m - from);
    for (int p = 0; p < depth; p++) {
      __global const float *d = dOut + dOut_at + (size_t)(from + p) * n + firstRow;
      for (int r = 0; r < WEIGHT_ROWS; r++) {
        columnsOfOut[p * WEIGHT_ROWS + r] = firstRow + r < n ? d[r] : 0.0f;
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
