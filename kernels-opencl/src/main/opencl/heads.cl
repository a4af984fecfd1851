// What the kernels of attention share: places and dot products of rows; tiles of keys (or queries) of
// one head, in local memory for version 2, and packed into panels for version 3. Compiled in front of attention's files.

// ---- v1 ----

typedef struct {
  int batch;
  int head;
  int token;
} Place;

// Where the i-th of B NH T (query, head) pairs is.
static Place place(size_t i, int t, int heads) {
  Place p;
  p.token = i % t;
  p.head = i / t % heads;
  p.batch = i / t / heads;
  return p;
}

static float dot_row(__global const activation *a, __global const activation *b) {
  float sum = 0.0f;
  for (int i = 0; i < HEAD_SIZE; i++) {
    sum = fma(LOAD(i, a), LOAD(i, b), sum);
  }
  return sum;
}

// ---- v2 ----

#define TOKENS 64

// Rows of a tile: two tiles in 12 KiB.
#define TILE (1536 / HEAD_SIZE < 1 ? 1 : 1536 / HEAD_SIZE > 32 ? 32 : 1536 / HEAD_SIZE)

// tile[r] = row first + r of a head, zeros from row t on; neighbours take neighbouring channels.
static void load_rows_v2(__local float *tile, __global const activation *x, const size_t line,
                         const int first, const int t) {
  for (int i = get_local_id(0); i < TILE * HEAD_SIZE; i += TOKENS) {
    int row = first + i / HEAD_SIZE;
    tile[i] = row < t ? LOAD(row * line + i % HEAD_SIZE, x) : 0.0f;
  }
}

static float dot_tile(const float *own, __local const float *row) {
  float sum = 0.0f;
  for (int i = 0; i < HEAD_SIZE; i++) {
    sum = fma(own[i], row[i], sum);
  }
  return sum;
}

// ---- v3 ----

// Vectors of sixteen channels in a head.
#define VECTORS ((HEAD_SIZE + 15) / 16)

#define LANES (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)

#define CLEAR(R) \
  DECLARE(R)     \
  sum##R = tail##R = (float16)(0.0f);
#define SPILL_TO_SCORES(R)        \
  vstore16(sum##R, 0, scores[R]); \
  vstore16(tail##R, 1, scores[R]);
#define SPILL_TO_SLOPES(R)        \
  vstore16(sum##R, 0, slopes[R]); \
  vstore16(tail##R, 1, slopes[R]);

// Where panel number token / 32 of a head's packed rows begins.
static __global const float *panel_of(__global const float *packed, const size_t head,
                                      const int token, const int t) {
  return packed + (head * ((t + PANEL - 1) / PANEL) + token / PANEL) * HEAD_SIZE * PANEL;
}

// packed[batch, head][panel][channel][lane] = x(batch, 32 panel + lane, head, channel), zero from t
// on: one work-item per panel of each head. A token's rows are `line` apart.
__kernel void pack_head_v3(OUT(packed), ACTIVATIONS(x), const int t, const int heads,
                           const int line, const int offset) {
  int first = PANEL * get_global_id(0);
  size_t head = get_global_id(1);
  __global const activation *from =
      x + x_at + head / heads * t * line + offset + head % heads * HEAD_SIZE;
  __global float *to = packed + packed_at +
                       (head * ((t + PANEL - 1) / PANEL) + get_global_id(0)) * HEAD_SIZE * PANEL;
  for (int lane = 0; lane < PANEL; lane++) {
    for (int i = 0; i < HEAD_SIZE; i++) {
      bool inside = first + lane < t;
      to[i * PANEL + lane] = inside ? LOAD((size_t)(first + lane) * line + i, from) : 0.0f;
    }
  }
}

// Channels 16 v to 16 v + 15 of a head's row, zero beyond the head.
static float16 load_head_v3(__global const activation *row, const int v) {
#if HEAD_SIZE % 16 == 0
  return LOAD16(v, row);
#else
  return 16 * v + 16 <= HEAD_SIZE ? LOAD16(v, row) : load_part_16(row + 16 * v, HEAD_SIZE - 16 * v);
#endif
}

// row = x * scale.
static void store_head_v3(__global activation *row, const float16 *x, const float scale) {
  for (int v = 0; v < VECTORS; v++) {
#if HEAD_SIZE % 16 != 0
    if (16 * v + 16 > HEAD_SIZE) {
      float lanes[16];
      vstore16(x[v] * scale, 0, lanes);
      for (int i = 16 * v; i < HEAD_SIZE; i++) {
        STORE(lanes[i - 16 * v], i, row);
      }
      return;
    }
#endif
    STORE16(x[v] * scale, v, row);
  }
}

// result[r] += the sum over count rows of weights[r][row] * row, for 8 r, `line` apart.
static void add_products_v3(float16 result[ROWS][VECTORS], float weights[ROWS][PANEL],
                            __global const activation *rows, const size_t line, const int count) {
  for (int v = 0; v < VECTORS; v++) {
#define TAKE(R) float16 own##R = result[R][v];
#define ADD(R) own##R = fma(x, (float16)(weights[R][s]), own##R);
#define GIVE(R) result[R][v] = own##R;
    EACH_ROW(TAKE)
    for (int s = 0; s < count; s++) {
      float16 x = load_head_v3(rows + s * line, v);
      EACH_ROW(ADD)
    }
    EACH_ROW(GIVE)
  }
}
