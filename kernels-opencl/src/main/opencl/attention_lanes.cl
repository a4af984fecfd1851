// Version 4 of attention.cl and attention_backward.cl, for GPUs: eight lanes share a query, or a key.
// In version 2 one work-item has a query's whole row, its result and, backward, its gradients in
// private arrays of up to 4 HEAD_SIZE floats, more than any GPU's work-item has registers; and a
// work-group of 64 leaves most of a GPU idle. Here
//
// - a row's own side lies in local memory, with the other side's tile, lines an odd number of vectors
//   apart so that lanes meet in no bank;
// - scores: a lane takes two rows and every eighth of the other side's, over all channels, by vectors
//   of four: a load from local memory feeds 3 to 5 fma, where version 2's fed one;
// - results: a lane takes the same two rows and every eighth vector of channels. Two rows of an eighth
//   of a head, of two gradients backward: 16 floats for heads of 64 forward, at most 64 for heads of
//   128 backward;
// - what a lane knows and others need, scores and probabilities, passes through local memory, and
//   everyone adds it in the order of the tokens. No atomics, no exchange whose order a device chooses.
//
// Local memory: at most 30 KiB, for heads of up to 128 channels. Traffic and arithmetic as in version
// 2, which reads the other side once per 64 rows, here once per 32 or 16.

#define LANES_OF_ROW 8

// Vectors of four channels: of a head, of one lane, and from a line to the next.
#define CHANNELS ((HEAD_SIZE + 3) / 4)
#define OWN ((CHANNELS + LANES_OF_ROW - 1) / LANES_OF_ROW)
#define LINE (OWN * LANES_OF_ROW + 1)

// Rows of a work-group, and of the tiles of the other side.
#define QUERIES 32
#define KEYS (HEAD_SIZE > 64 ? 16 : 32)
#define OWN_ROWS (HEAD_SIZE > 64 ? 16 : 32)
#define OTHER_ROWS (HEAD_SIZE > 64 ? 8 : 16)

#define FORWARD_PAIRS (QUERIES / 2)
#define BACKWARD_PAIRS (OWN_ROWS / 2)

#if HEAD_SIZE % 4 == 0
#define WHOLE(x) (x##_at % 4 == 0)
#else
#define WHOLE(x) false
#endif

// Brings `count` rows from `first` on, zeros from row t on and beyond the head.
static void bring_rows_v4(__local float4 *tile, const int count, __global const activation *x,
                          const ulong line, const int first, const int t, const bool whole) {
  for (int i = get_local_id(0); i < count * (LINE - 1); i += get_local_size(0)) {
    int row = i / (LINE - 1);
    int v = i % (LINE - 1);
    float4 value = (float4)(0.0f);
    if (first + row < t && v < CHANNELS) {
      ulong at = (ulong)(first + row) * line + 4 * v;
      if (whole) {
        value = LOAD4(0, x + at);
      } else {
        int left = HEAD_SIZE - 4 * v;
        value.s0 = LOAD(at, x);
        value.s1 = left > 1 ? LOAD(at + 1, x) : 0.0f;
        value.s2 = left > 2 ? LOAD(at + 2, x) : 0.0f;
        value.s3 = left > 3 ? LOAD(at + 3, x) : 0.0f;
      }
    }
    tile[row * LINE + v] = value;
  }
}

// The lane's vectors of a row.
static void store_row_v4(__global activation *row, const float4 *x, const float scale,
                         const int lane, const bool whole) {
  for (int i = 0; i < OWN; i++) {
    int v = lane + LANES_OF_ROW * i;
    if (v < CHANNELS) {
      float4 value = x[i] * scale;
      int left = HEAD_SIZE - 4 * v;
      if (whole) {
        STORE4(value, 0, row + 4 * v);
      } else {
        STORE(value.s0, 4 * v, row);
        if (left > 1)
          STORE(value.s1, 4 * v + 1, row);
        if (left > 2)
          STORE(value.s2, 4 * v + 2, row);
        if (left > 3)
          STORE(value.s3, 4 * v + 3, row);
      }
    }
  }
}

static float sum_4(const float4 x) {
  return (x.s0 + x.s1) + (x.s2 + x.s3);
}

// score[r][j] = the lane's row r of two, which are `apart`, times row lane + 8 j of a tile.
#define MULTIPLY_ROWS(SCORE, OWN_TILE, PAIR, APART, TILE_OF_OTHERS, COUNT)   \
  {                                                                          \
    float4 sums[2][COUNT / LANES_OF_ROW];                                    \
    for (int j = 0; j < COUNT / LANES_OF_ROW; j++) {                         \
      sums[0][j] = sums[1][j] = (float4)(0.0f);                              \
    }                                                                        \
    for (int v = 0; v < CHANNELS; v++) {                                     \
      float4 x = OWN_TILE[PAIR * LINE + v];                                  \
      float4 y = OWN_TILE[(PAIR + APART) * LINE + v];                        \
      for (int j = 0; j < COUNT / LANES_OF_ROW; j++) {                       \
        float4 other = TILE_OF_OTHERS[(lane + LANES_OF_ROW * j) * LINE + v]; \
        sums[0][j] = fma(x, other, sums[0][j]);                              \
        sums[1][j] = fma(y, other, sums[1][j]);                              \
      }                                                                      \
    }                                                                        \
    for (int j = 0; j < COUNT / LANES_OF_ROW; j++) {                         \
      SCORE[0][j] = sum_4(sums[0][j]);                                       \
      SCORE[1][j] = sum_4(sums[1][j]);                                       \
    }                                                                        \
  }

// result[r] += the sum over rows s of a tile of weights[row r][s] times the lane's channels of s.
#define ADD_ROWS(RESULT, WEIGHTS, PAIR, APART, TILE_OF_OTHERS, COUNT)    \
  for (int s = 0; s < COUNT; s++) {                                      \
    float4 x = (float4)(WEIGHTS[PAIR * (COUNT + 1) + s]);                \
    float4 y = (float4)(WEIGHTS[(PAIR + APART) * (COUNT + 1) + s]);      \
    for (int i = 0; i < OWN; i++) {                                      \
      float4 other = TILE_OF_OTHERS[s * LINE + lane + LANES_OF_ROW * i]; \
      RESULT[0][i] = fma(x, other, RESULT[0][i]);                        \
      RESULT[1][i] = fma(y, other, RESULT[1][i]);                        \
    }                                                                    \
  }

// ---- forward: online softmax, a tile of keys at a time ----

__kernel __attribute__((reqd_work_group_size(FORWARD_PAIRS * LANES_OF_ROW, 1, 1))) void
attention_forward_v4(ACTIVATIONS_OUT(out), OUT(logSumExp), ACTIVATIONS(qkv), const int t,
                     const int heads, const float scale) {
  __local float4 queries[QUERIES * LINE];
  // Keys, then values.
  __local float4 tile[KEYS * LINE];
  __local float scores[QUERIES * (KEYS + 1)];
  __local float weights[QUERIES * (KEYS + 1)];
  int lane = get_local_id(0) % LANES_OF_ROW;
  int pair = get_local_id(0) / LANES_OF_ROW;
  int first = GROUP_ID(0) * QUERIES;
  int head = get_global_id(1) % heads;
  size_t sequence = get_global_id(1) / heads * (size_t)t;
  int c = heads * HEAD_SIZE;
  bool whole = WHOLE(qkv);
  __global const activation *q = qkv + qkv_at + sequence * 3 * c + head * HEAD_SIZE;
  bring_rows_v4(queries, QUERIES, q, 3 * c, first, t, whole);
  float4 result[2][OWN];
  float largest[2];
  float sum[2];
  for (int r = 0; r < 2; r++) {
    largest[r] = -INFINITY;
    sum[r] = 0.0f;
    for (int i = 0; i < OWN; i++) {
      result[r][i] = (float4)(0.0f);
    }
  }
  int end = min(t, first + QUERIES);
  for (int key = 0; key < end; key += KEYS) {
    barrier(CLK_LOCAL_MEM_FENCE);
    bring_rows_v4(tile, KEYS, q + c, 3 * c, key, t, whole);
    barrier(CLK_LOCAL_MEM_FENCE);
    float score[2][KEYS / LANES_OF_ROW];
    MULTIPLY_ROWS(score, queries, pair, FORWARD_PAIRS, tile, KEYS)
    for (int r = 0; r < 2; r++) {
      int row = pair + r * FORWARD_PAIRS;
      for (int j = 0; j < KEYS / LANES_OF_ROW; j++) {
        int s = lane + LANES_OF_ROW * j;
        score[r][j] = key + s <= first + row ? score[r][j] * scale : -INFINITY;
        scores[row * (KEYS + 1) + s] = score[r][j];
      }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    bring_rows_v4(tile, KEYS, q + 2 * c, 3 * c, key, t, whole);
    for (int r = 0; r < 2; r++) {
      int row = pair + r * FORWARD_PAIRS;
      float highest = largest[r];
      for (int s = 0; s < KEYS; s++) {
        highest = fmax(highest, scores[row * (KEYS + 1) + s]);
      }
      float shrink = exp_1(largest[r] - highest);
      largest[r] = highest;
      sum[r] *= shrink;
      for (int i = 0; i < OWN; i++) {
        result[r][i] *= shrink;
      }
      for (int j = 0; j < KEYS / LANES_OF_ROW; j++) {
        int s = lane + LANES_OF_ROW * j;
        bool seen = key + s <= first + row;
        weights[row * (KEYS + 1) + s] = seen ? exp_1(score[r][j] - highest) : 0.0f;
      }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int r = 0; r < 2; r++) {
      for (int s = 0; s < KEYS; s++) {
        sum[r] += weights[(pair + r * FORWARD_PAIRS) * (KEYS + 1) + s];
      }
    }
    ADD_ROWS(result, weights, pair, FORWARD_PAIRS, tile, KEYS)
  }
  for (int r = 0; r < 2; r++) {
    int query = first + pair + r * FORWARD_PAIRS;
    if (query < t) {
      __global activation *y = out + out_at + (sequence + query) * c + head * HEAD_SIZE;
      store_row_v4(y, result[r], 1.0f / sum[r], lane, WHOLE(out));
      if (lane == 0) {
        logSumExp[logSumExp_at + get_global_id(1) * t + query] = largest[r] + log_1(sum[r]);
      }
    }
  }
}

// ---- backward ----

#define CLEAR_RESULT(RESULT)                      \
  for (int i = 0; i < OWN; i++) {                 \
    RESULT[0][i] = RESULT[1][i] = (float4)(0.0f); \
  }

__kernel __attribute__((reqd_work_group_size(BACKWARD_PAIRS * LANES_OF_ROW, 1, 1))) void
attention_backward_query_v4(ACTIVATIONS_OUT(dQkv), IN(delta), ACTIVATIONS(dOut), ACTIVATIONS(qkv),
                            IN(logSumExp), const int t, const int heads, const float scale) {
  __local float4 queries[OWN_ROWS * LINE];
  __local float4 gradients[OWN_ROWS * LINE];
  __local float4 keys[OTHER_ROWS * LINE];
  __local float4 values[OTHER_ROWS * LINE];
  __local float slopes[OWN_ROWS * (OTHER_ROWS + 1)];
  int lane = get_local_id(0) % LANES_OF_ROW;
  int pair = get_local_id(0) / LANES_OF_ROW;
  int first = GROUP_ID(0) * OWN_ROWS;
  int head = get_global_id(1) % heads;
  size_t sequence = get_global_id(1) / heads * (size_t)t;
  int c = heads * HEAD_SIZE;
  bool whole = WHOLE(qkv);
  __global const activation *q = qkv + qkv_at + sequence * 3 * c + head * HEAD_SIZE;
  __global const activation *d = dOut + dOut_at + sequence * c + head * HEAD_SIZE;
  bring_rows_v4(queries, OWN_ROWS, q, 3 * c, first, t, whole);
  bring_rows_v4(gradients, OWN_ROWS, d, c, first, t, WHOLE(dOut));
  float4 dQ[2][OWN];
  CLEAR_RESULT(dQ)
  float lse[2];
  float own[2];
  for (int r = 0; r < 2; r++) {
    int query = first + pair + r * BACKWARD_PAIRS;
    size_t row = get_global_id(1) * t + query;
    lse[r] = query < t ? logSumExp[logSumExp_at + row] : 0.0f;
    own[r] = query < t ? delta[delta_at + row] : 0.0f;
  }
  int end = min(t, first + OWN_ROWS);
  for (int key = 0; key < end; key += OTHER_ROWS) {
    barrier(CLK_LOCAL_MEM_FENCE);
    bring_rows_v4(keys, OTHER_ROWS, q + c, 3 * c, key, t, whole);
    bring_rows_v4(values, OTHER_ROWS, q + 2 * c, 3 * c, key, t, whole);
    barrier(CLK_LOCAL_MEM_FENCE);
    float score[2][OTHER_ROWS / LANES_OF_ROW];
    float dP[2][OTHER_ROWS / LANES_OF_ROW];
    MULTIPLY_ROWS(score, queries, pair, BACKWARD_PAIRS, keys, OTHER_ROWS)
    MULTIPLY_ROWS(dP, gradients, pair, BACKWARD_PAIRS, values, OTHER_ROWS)
    for (int r = 0; r < 2; r++) {
      int row = pair + r * BACKWARD_PAIRS;
      for (int j = 0; j < OTHER_ROWS / LANES_OF_ROW; j++) {
        int s = lane + LANES_OF_ROW * j;
        float p = exp_1(fma(score[r][j], scale, -lse[r]));
        float dS = p * (dP[r][j] - own[r]) * scale;
        slopes[row * (OTHER_ROWS + 1) + s] = key + s <= first + row ? dS : 0.0f;
      }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    ADD_ROWS(dQ, slopes, pair, BACKWARD_PAIRS, keys, OTHER_ROWS)
  }
  for (int r = 0; r < 2; r++) {
    int query = first + pair + r * BACKWARD_PAIRS;
    if (query < t) {
      store_row_v4(dQkv + dQkv_at + (sequence + query) * 3 * c + head * HEAD_SIZE, dQ[r], 1.0f,
                   lane, WHOLE(dQkv));
    }
  }
}

__kernel __attribute__((reqd_work_group_size(BACKWARD_PAIRS * LANES_OF_ROW, 1, 1))) void
attention_backward_key_v4(ACTIVATIONS_OUT(dQkv), IN(delta), ACTIVATIONS(dOut), ACTIVATIONS(qkv),
                          IN(logSumExp), const int t, const int heads, const float scale) {
  __local float4 keys[OWN_ROWS * LINE];
  __local float4 values[OWN_ROWS * LINE];
  __local float4 queries[OTHER_ROWS * LINE];
  __local float4 gradients[OTHER_ROWS * LINE];
  __local float weights[OWN_ROWS * (OTHER_ROWS + 1)];
  __local float slopes[OWN_ROWS * (OTHER_ROWS + 1)];
  int lane = get_local_id(0) % LANES_OF_ROW;
  int pair = get_local_id(0) / LANES_OF_ROW;
  int first = GROUP_ID(0) * OWN_ROWS;
  int head = get_global_id(1) % heads;
  size_t sequence = get_global_id(1) / heads * (size_t)t;
  int c = heads * HEAD_SIZE;
  bool whole = WHOLE(qkv);
  __global const activation *q = qkv + qkv_at + sequence * 3 * c + head * HEAD_SIZE;
  __global const activation *d = dOut + dOut_at + sequence * c + head * HEAD_SIZE;
  size_t rows = get_global_id(1) * t;
  bring_rows_v4(keys, OWN_ROWS, q + c, 3 * c, first, t, whole);
  bring_rows_v4(values, OWN_ROWS, q + 2 * c, 3 * c, first, t, whole);
  float4 dK[2][OWN];
  float4 dV[2][OWN];
  CLEAR_RESULT(dK)
  CLEAR_RESULT(dV)
  for (int query = first; query < t; query += OTHER_ROWS) {
    barrier(CLK_LOCAL_MEM_FENCE);
    bring_rows_v4(queries, OTHER_ROWS, q, 3 * c, query, t, whole);
    bring_rows_v4(gradients, OTHER_ROWS, d, c, query, t, WHOLE(dOut));
    barrier(CLK_LOCAL_MEM_FENCE);
    float score[2][OTHER_ROWS / LANES_OF_ROW];
    float dP[2][OTHER_ROWS / LANES_OF_ROW];
    MULTIPLY_ROWS(score, keys, pair, BACKWARD_PAIRS, queries, OTHER_ROWS)
    MULTIPLY_ROWS(dP, values, pair, BACKWARD_PAIRS, gradients, OTHER_ROWS)
    for (int j = 0; j < OTHER_ROWS / LANES_OF_ROW; j++) {
      int s = lane + LANES_OF_ROW * j;
      bool there = query + s < t;
      float lse = there ? logSumExp[logSumExp_at + rows + query + s] : 0.0f;
      float own = there ? delta[delta_at + rows + query + s] : 0.0f;
      for (int r = 0; r < 2; r++) {
        int row = pair + r * BACKWARD_PAIRS;
        bool seen = there && first + row <= query + s;
        float p = exp_1(fma(score[r][j], scale, -lse));
        float dS = p * (dP[r][j] - own) * scale;
        weights[row * (OTHER_ROWS + 1) + s] = seen ? p : 0.0f;
        slopes[row * (OTHER_ROWS + 1) + s] = seen ? dS : 0.0f;
      }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    ADD_ROWS(dV, weights, pair, BACKWARD_PAIRS, gradients, OTHER_ROWS)
    ADD_ROWS(dK, slopes, pair, BACKWARD_PAIRS, queries, OTHER_ROWS)
  }
  for (int r = 0; r < 2; r++) {
    int key = first + pair + r * BACKWARD_PAIRS;
    if (key < t) {
      __global activation *to = dQkv + dQkv_at + (sequence + key) * 3 * c + c + head * HEAD_SIZE;
      store_row_v4(to, dK[r], 1.0f, lane, WHOLE(dQkv));
      store_row_v4(to + c, dV[r], 1.0f, lane, WHOLE(dQkv));
    }
  }
}
