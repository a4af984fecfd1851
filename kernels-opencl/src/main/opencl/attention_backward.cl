// The gradient of causal self-attention; shapes as in attention.cl, compiled once per head size.
// Probabilities are computed again from logSumExp: with P = exp(scale q kT - logSumExp) and delta =
// rowsum(dOut * out), dV = PT dOut, dS = scale P (dOut vT - delta), dQ = dS k, dK = dST q.
// dQ belongs to queries and dK, dV to keys, so they are two kernels, each of which computes P and
// dS: seven products instead of five, and no atomics. Source: Dao, 2023.
//
// Memory, at least: 32 B T C bytes; the (T,T) matrix never exists. Arithmetic: 7 B C T (T+1)
// operations, and B NH T (T+1) exponentials.
//
// v1  one work-item per query, or per key, which reads the other side from memory row by row.
// v2  for GPUs: one work-group per 64 queries, or keys, of a head; the other side passes through
//     local memory, so each row is loaded once per 64; its own rows stay in registers.
// v3  for CPUs: one work-item per 8 queries, or keys, of a head. Scores and their gradients are
//     products of 8 rows and a panel of 32 of the other side, packed transposed beforehand; dQ, dK
//     and dV are products with rows whose channels run along the lanes. No barriers.

#if HAS(1)

// delta(b,head,t) = the sum over the head's channels of dOut * out, in every version.
__kernel void attention_delta_v1(OUT(delta), ACTIVATIONS(dOut), ACTIVATIONS(out), const int b,
                                 const int t, const int heads) {
  size_t index = get_global_id(0);
  if (index >= (size_t)b * heads * t) {
    return;
  }
  Place at = place(index, t, heads);
  size_t row = ((size_t)at.batch * t + at.token) * heads * HEAD_SIZE + at.head * HEAD_SIZE;
  delta[delta_at + index] = dot_row(dOut + dOut_at + row, out + out_at + row);
}

__kernel void attention_backward_query_v1(ACTIVATIONS_OUT(dQkv), IN(delta), ACTIVATIONS(dOut),
                                          ACTIVATIONS(qkv), IN(logSumExp), const int b, const int t,
                                          const int heads, const float scale) {
  size_t index = get_global_id(0);
  if (index >= (size_t)b * heads * t) {
    return;
  }
  Place at = place(index, t, heads);
  int c = heads * HEAD_SIZE;
  size_t sequence = (size_t)at.batch * t;
  size_t row = (sequence + at.token) * 3 * c + at.head * HEAD_SIZE;
  __global const activation *q = qkv + qkv_at + row;
  __global const activation *k = qkv + qkv_at + sequence * 3 * c + c + at.head * HEAD_SIZE;
  __global const activation *d = dOut + dOut_at + (sequence + at.token) * c + at.head * HEAD_SIZE;
  float lse = logSumExp[logSumExp_at + index];
  float own = delta[delta_at + index];
  float dQ[HEAD_SIZE];
  for (int i = 0; i < HEAD_SIZE; i++) {
    dQ[i] = 0.0f;
  }
  for (int s = 0; s <= at.token; s++) {
    __global const activation *key = k + (size_t)s * 3 * c;
    float p = exp_1(fma(dot_row(q, key), scale, -lse));
    float dS = p * (dot_row(d, key + c) - own) * scale;
    for (int i = 0; i < HEAD_SIZE; i++) {
      dQ[i] = fma(dS, LOAD(i, key), dQ[i]);
    }
  }
  for (int i = 0; i < HEAD_SIZE; i++) {
    STORE(dQ[i], row + i, dQkv + dQkv_at);
  }
}

__kernel void attention_backward_key_v1(ACTIVATIONS_OUT(dQkv), IN(delta), ACTIVATIONS(dOut),
                                        ACTIVATIONS(qkv), IN(logSumExp), const int b, const int t,
                                        const int heads, const float scale) {
  size_t index = get_global_id(0);
  if (index >= (size_t)b * heads * t) {
    return;
  }
  Place at = place(index, t, heads);
  int c = heads * HEAD_SIZE;
  size_t sequence = (size_t)at.batch * t;
  size_t row = (sequence + at.token) * 3 * c + c + at.head * HEAD_SIZE;
  __global const activation *k = qkv + qkv_at + row;
  __global const activation *v = k + c;
  size_t firstRow = ((size_t)at.batch * heads + at.head) * t;
  float dK[HEAD_SIZE];
  float dV[HEAD_SIZE];
  for (int i = 0; i < HEAD_SIZE; i++) {
    dK[i] = 0.0f;
    dV[i] = 0.0f;
  }
  for (int s = at.token; s < t; s++) {
    __global const activation *q = qkv + qkv_at + (sequence + s) * 3 * c + at.head * HEAD_SIZE;
    __global const activation *d = dOut + dOut_at + (sequence + s) * c + at.head * HEAD_SIZE;
    float p = exp_1(fma(dot_row(q, k), scale, -logSumExp[logSumExp_at + firstRow + s]));
    float dS = p * (dot_row(d, v) - delta[delta_at + firstRow + s]) * scale;
    for (int i = 0; i < HEAD_SIZE; i++) {
      dV[i] = fma(p, LOAD(i, d), dV[i]);
      dK[i] = fma(dS, LOAD(i, q), dK[i]);
    }
  }
  for (int i = 0; i < HEAD_SIZE; i++) {
    STORE(dK[i], row + i, dQkv + dQkv_at);
    STORE(dV[i], row + c + i, dQkv + dQkv_at);
  }
}

#endif

// ---- v2 ----

#if HAS(2)

__kernel __attribute__((reqd_work_group_size(TOKENS, 1, 1))) void attention_backward_query_v2(
    ACTIVATIONS_OUT(dQkv), IN(delta), ACTIVATIONS(dOut), ACTIVATIONS(qkv), IN(logSumExp),
    const int t, const int heads, const float scale) {
  __local float keys[TILE * HEAD_SIZE];
  __local float values[TILE * HEAD_SIZE];
  int query = get_global_id(0);
  int head = get_global_id(1) % heads;
  size_t sequence = get_global_id(1) / heads * (size_t)t;
  int c = heads * HEAD_SIZE;
  __global const activation *q = qkv + qkv_at + sequence * 3 * c + head * HEAD_SIZE;
  size_t outRow = (sequence + query) * c + head * HEAD_SIZE;
  size_t row = get_global_id(1) * t + query;
  float own[HEAD_SIZE];
  float d[HEAD_SIZE];
  float dQ[HEAD_SIZE];
  for (int i = 0; i < HEAD_SIZE; i++) {
    own[i] = query < t ? LOAD((size_t)query * 3 * c + i, q) : 0.0f;
    d[i] = query < t ? LOAD(outRow + i, dOut + dOut_at) : 0.0f;
    dQ[i] = 0.0f;
  }
  float lse = query < t ? logSumExp[logSumExp_at + row] : 0.0f;
  float ownDelta = query < t ? delta[delta_at + row] : 0.0f;
  int end = min(t, (int)(GROUP_ID(0) + 1) * TOKENS);
  for (int first = 0; first < end; first += TILE) {
    barrier(CLK_LOCAL_MEM_FENCE);
    load_rows_v2(keys, q + c, 3 * c, first, t);
    load_rows_v2(values, q + 2 * c, 3 * c, first, t);
    barrier(CLK_LOCAL_MEM_FENCE);
    int count = min(TILE, query - first + 1);
    for (int s = 0; s < count; s++) {
      float p = exp_1(fma(dot_tile(own, keys + s * HEAD_SIZE), scale, -lse));
      float dS = p * (dot_tile(d, values + s * HEAD_SIZE) - ownDelta) * scale;
      for (int i = 0; i < HEAD_SIZE; i++) {
        dQ[i] = fma(dS, keys[s * HEAD_SIZE + i], dQ[i]);
      }
    }
  }
  if (query < t) {
    for (int i = 0; i < HEAD_SIZE; i++) {
      STORE(dQ[i], (sequence + query) * 3 * c + head * HEAD_SIZE + i, dQkv + dQkv_at);
    }
  }
}

__kernel __attribute__((reqd_work_group_size(TOKENS, 1, 1))) void attention_backward_key_v2(
    ACTIVATIONS_OUT(dQkv), IN(delta), ACTIVATIONS(dOut), ACTIVATIONS(qkv), IN(logSumExp),
    const int t, const int heads, const float scale) {
  __local float queries[TILE * HEAD_SIZE];
  __local float slopes[TILE * HEAD_SIZE];
  int key = get_global_id(0);
  int head = get_global_id(1) % heads;
  size_t sequence = get_global_id(1) / heads * (size_t)t;
  int c = heads * HEAD_SIZE;
  __global const activation *q = qkv + qkv_at + sequence * 3 * c + head * HEAD_SIZE;
  __global const activation *d = dOut + dOut_at + sequence * c + head * HEAD_SIZE;
  size_t rows = get_global_id(1) * t;
  float k[HEAD_SIZE];
  float v[HEAD_SIZE];
  float dK[HEAD_SIZE];
  float dV[HEAD_SIZE];
  for (int i = 0; i < HEAD_SIZE; i++) {
    k[i] = key < t ? LOAD((size_t)key * 3 * c + c + i, q) : 0.0f;
    v[i] = key < t ? LOAD((size_t)key * 3 * c + 2 * c + i, q) : 0.0f;
    dK[i] = 0.0f;
    dV[i] = 0.0f;
  }
  for (int first = GROUP_ID(0) * TOKENS; first < t; first += TILE) {
    barrier(CLK_LOCAL_MEM_FENCE);
    load_rows_v2(queries, q, 3 * c, first, t);
    load_rows_v2(slopes, d, c, first, t);
    barrier(CLK_LOCAL_MEM_FENCE);
    int count = min(TILE, t - first);
    for (int s = max(0, key - first); s < count; s++) {
      float p = exp_1(fma(dot_tile(k, queries + s * HEAD_SIZE), scale,
                          -logSumExp[logSumExp_at + rows + first + s]));
      float dP = dot_tile(v, slopes + s * HEAD_SIZE);
      float dS = p * (dP - delta[delta_at + rows + first + s]) * scale;
      for (int i = 0; i < HEAD_SIZE; i++) {
        dV[i] = fma(p, slopes[s * HEAD_SIZE + i], dV[i]);
        dK[i] = fma(dS, queries[s * HEAD_SIZE + i], dK[i]);
      }
    }
  }
  if (key < t) {
    __global activation *to = dQkv + dQkv_at + (sequence + key) * 3 * c + c + head * HEAD_SIZE;
    for (int i = 0; i < HEAD_SIZE; i++) {
      STORE(dK[i], i, to);
      STORE(dV[i], c + i, to);
    }
  }
}

#endif

// ---- v3 ----

// scores = 8 rows qR times one panel, slopes = 8 rows dR times another.
#define BY_Q(R) MULTIPLY(R, LOAD(p, q##R))
#define BY_D(R) MULTIPLY(R, LOAD(p, d##R))
#define PRODUCTS(PANEL_OF_SCORES, PANEL_OF_SLOPES)                                           \
  {EACH_ROW(CLEAR) ACCUMULATE(HEAD_SIZE, PANEL_OF_SCORES, BY_Q) EACH_ROW(SPILL_TO_SCORES)} { \
    EACH_ROW(CLEAR)                                                                          \
    ACCUMULATE(HEAD_SIZE, PANEL_OF_SLOPES, BY_D)                                             \
    EACH_ROW(SPILL_TO_SLOPES)                                                                \
  }

#if HAS(3)

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void attention_backward_query_v3(
    ACTIVATIONS_OUT(dQkv), IN(delta), ACTIVATIONS(dOut), ACTIVATIONS(qkv), IN(logSumExp), IN(keys),
    IN(values), const int t, const int heads, const float scale) {
  int first = ROWS * get_global_id(0);
  int head = get_global_id(1) % heads;
  size_t sequence = get_global_id(1) / heads * (size_t)t;
  int c = heads * HEAD_SIZE;
  __global const activation *q = qkv + qkv_at + sequence * 3 * c + head * HEAD_SIZE;
  __global const activation *d = dOut + dOut_at + sequence * c + head * HEAD_SIZE;
  int end = min(t, first + ROWS);
  float scores[ROWS][PANEL];
  float slopes[ROWS][PANEL];
  float16 result[ROWS][VECTORS];
  for (int r = 0; r < ROWS; r++) {
    for (int i = 0; i < VECTORS; i++) {
      result[r][i] = (float16)(0.0f);
    }
  }
#define POINT(R)                                                               \
  __global const activation *q##R = q + (size_t)min(first + R, t - 1) * 3 * c; \
  __global const activation *d##R = d + (size_t)min(first + R, t - 1) * c;
  EACH_ROW(POINT)
  for (int key = 0; key < end; key += PANEL) {
    __global const float *k = panel_of(keys + keys_at, get_global_id(1), key, t);
    __global const float *v = panel_of(values + values_at, get_global_id(1), key, t);
    PRODUCTS(k, v)
    for (int r = 0; r < end - first; r++) {
      size_t row = get_global_id(1) * t + first + r;
      float lse = logSumExp[logSumExp_at + row];
      float own = delta[delta_at + row];
      for (int half_panel = 0; half_panel < 2; half_panel++) {
        int16 seen = (int16)(first + r) >= key + 16 * half_panel + LANES;
        float16 p = exp_16(vload16(half_panel, scores[r]) * scale - lse);
        float16 dS = p * (vload16(half_panel, slopes[r]) - own) * scale;
        vstore16(seen ? dS : (float16)(0.0f), half_panel, slopes[r]);
      }
    }
    add_products_v3(result, slopes, q + c + (size_t)key * 3 * c, 3 * c, min(PANEL, end - key));
  }
  for (int r = 0; r < end - first; r++) {
    store_head_v3(dQkv + dQkv_at + (sequence + first + r) * 3 * c + head * HEAD_SIZE, result[r],
                  1.0f);
  }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void attention_backward_key_v3(
    ACTIVATIONS_OUT(dQkv), IN(delta), ACTIVATIONS(dOut), ACTIVATIONS(qkv), IN(logSumExp),
    IN(queries), IN(gradients), const int t, const int heads, const float scale) {
  int first = ROWS * get_global_id(0);
  int head = get_global_id(1) % heads;
  size_t sequence = get_global_id(1) / heads * (size_t)t;
  int c = heads * HEAD_SIZE;
  __global const activation *ownQ = qkv + qkv_at + sequence * 3 * c + head * HEAD_SIZE;
  __global const activation *ownD = dOut + dOut_at + sequence * c + head * HEAD_SIZE;
  __global const float *lse = logSumExp + logSumExp_at + get_global_id(1) * t;
  __global const float *own = delta + delta_at + get_global_id(1) * t;
  int end = min(t, first + ROWS);
  float scores[ROWS][PANEL];
  float slopes[ROWS][PANEL];
  float16 dK[ROWS][VECTORS];
  float16 dV[ROWS][VECTORS];
  for (int r = 0; r < ROWS; r++) {
    for (int i = 0; i < VECTORS; i++) {
      dK[r][i] = (float16)(0.0f);
      dV[r][i] = (float16)(0.0f);
    }
  }
  // Here the rows are keys and values, and the panels queries and dOut.
#define POINT_KEYS(R)                                                                 \
  __global const activation *q##R = ownQ + c + (size_t)min(first + R, t - 1) * 3 * c; \
  __global const activation *d##R = q##R + c;
  EACH_ROW(POINT_KEYS)
  for (int query = first / PANEL * PANEL; query < t; query += PANEL) {
    __global const float *q = panel_of(queries + queries_at, get_global_id(1), query, t);
    __global const float *d = panel_of(gradients + gradients_at, get_global_id(1), query, t);
    PRODUCTS(q, d)
    for (int half_panel = 0; half_panel < 2; half_panel++) {
      int from = query + 16 * half_panel;
      float16 lses = from + 16 <= t ? vload16(0, lse + from) : part_16(lse + from, t - from);
      float16 deltas = from + 16 <= t ? vload16(0, own + from) : part_16(own + from, t - from);
      for (int r = 0; r < ROWS; r++) {
        int16 seen = from + LANES >= (int16)(first + r) && from + LANES < (int16)(t);
        float16 p = exp_16(vload16(half_panel, scores[r]) * scale - lses);
        float16 dS = p * (vload16(half_panel, slopes[r]) - deltas) * scale;
        vstore16(seen ? p : (float16)(0.0f), half_panel, scores[r]);
        vstore16(seen ? dS : (float16)(0.0f), half_panel, slopes[r]);
      }
    }
    int count = min(PANEL, t - query);
    add_products_v3(dV, scores, ownD + (size_t)query * c, c, count);
    add_products_v3(dK, slopes, ownQ + (size_t)query * 3 * c, 3 * c, count);
  }
  for (int r = 0; r < end - first; r++) {
    __global activation *to =
        dQkv + dQkv_at + (sequence + first + r) * 3 * c + c + head * HEAD_SIZE;
    store_head_v3(to, dK[r], 1.0f);
    store_head_v3(to + c, dV[r], 1.0f);
  }
}

#endif
