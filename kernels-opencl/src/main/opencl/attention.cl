// Causal self-attention, for each head: out = softmax(q kT / sqrt(HS), keys up to the query's own
// position) v. qkv (B,T,3C) holds q, k and v side by side; out (B,T,C); logSumExp (B,NH,T) is the
// logarithm of each softmax's denominator. Compiled once per head size, HEAD_SIZE = C / NH.
// Sources: Vaswani et al., 2017; Milakov, Gimelshein, 2018; Dao, 2023.
//
// Memory, at least: 16 B T C bytes; the (T,T) matrix never exists. Arithmetic: 2 B C T (T+1)
// operations, and B NH T (T+1) / 2 exponentials.
//
// v1  one work-item per query, which reads the keys from memory one by one: 8 bytes per fma, from
//     whatever cache catches them. The largest score first, then the sum, so every score is computed
//     twice.
// v2  for GPUs: one work-group per 64 queries of a head. Keys and values pass through local memory,
//     so each is loaded once per 64 queries; query and result stay in the work-item's registers. One
//     pass: when a larger score comes, the sum and the result so far are scaled down (online
//     softmax).
// v3  for CPUs: one work-item per 8 queries of a head. Scores are the product of 8 rows and a panel
//     of 32 keys, packed transposed beforehand; results are products with the values, whose channels
//     run along the lanes. No barriers, and every load is a whole vector.

#if HAS(1)

__kernel void attention_forward_v1(ACTIVATIONS_OUT(out), OUT(logSumExp), ACTIVATIONS(qkv),
                                   const int b, const int t, const int heads, const float scale) {
  size_t index = get_global_id(0);
  if (index >= (size_t)b * heads * t) {
    return;
  }
  Place at = place(index, t, heads);
  int c = heads * HEAD_SIZE;
  size_t sequence = (size_t)at.batch * t;
  __global const activation *q = qkv + qkv_at + (sequence + at.token) * 3 * c + at.head * HEAD_SIZE;
  __global const activation *k = qkv + qkv_at + sequence * 3 * c + c + at.head * HEAD_SIZE;
  __global activation *y = out + out_at + (sequence + at.token) * c + at.head * HEAD_SIZE;
  float largest = -INFINITY;
  for (int s = 0; s <= at.token; s++) {
    largest = fmax(largest, dot_row(q, k + (size_t)s * 3 * c) * scale);
  }
  float sum = 0.0f;
  float result[HEAD_SIZE];
  for (int i = 0; i < HEAD_SIZE; i++) {
    result[i] = 0.0f;
  }
  for (int s = 0; s <= at.token; s++) {
    __global const activation *key = k + (size_t)s * 3 * c;
    float p = exp_1(fma(dot_row(q, key), scale, -largest));
    sum += p;
    for (int i = 0; i < HEAD_SIZE; i++) {
      result[i] = fma(p, LOAD(c + i, key), result[i]);
    }
  }
  for (int i = 0; i < HEAD_SIZE; i++) {
    STORE(result[i] / sum, i, y);
  }
  logSumExp[logSumExp_at + index] = largest + log_1(sum);
}

// Attention of T new tokens to themselves and to all before them. First their keys and values are
// appended to the caches (B,room,C) at position, one work-item per channel of each token.
__kernel void append_to_caches_v1(OUT(keys), OUT(values), ACTIVATIONS(qkv), INTEGERS(position),
                                  const int t, const int room, const int c) {
  size_t i = get_global_id(0);
  size_t row = get_global_id(1);
  if (i < c) {
    size_t to = (row / t * room + position[position_at] + row % t) * c + i;
    keys[keys_at + to] = LOAD(row * 3 * c + c + i, qkv + qkv_at);
    values[values_at + to] = LOAD(row * 3 * c + 2 * c + i, qkv + qkv_at);
  }
}

// Then one work-item per query and head, as in attention_forward_v1.
static float dot_cached(__global const activation *query, __global const float *key) {
  float sum = 0.0f;
  for (int i = 0; i < HEAD_SIZE; i++) {
    sum = fma(LOAD(i, query), key[i], sum);
  }
  return sum;
}

__kernel void cached_attention_v1(ACTIVATIONS_OUT(out), IN(keys), IN(values), ACTIVATIONS(qkv),
                                  INTEGERS(position), const int b, const int t, const int room,
                                  const int heads, const float scale) {
  size_t index = get_global_id(0);
  if (index >= (size_t)b * heads * t) {
    return;
  }
  Place at = place(index, t, heads);
  int c = heads * HEAD_SIZE;
  size_t row = (size_t)at.batch * t + at.token;
  __global const activation *q = qkv + qkv_at + row * 3 * c + at.head * HEAD_SIZE;
  size_t cache = (size_t)at.batch * room * c + at.head * HEAD_SIZE;
  int last = position[position_at] + at.token;
  float largest = -INFINITY;
  for (int s = 0; s <= last; s++) {
    largest = fmax(largest, dot_cached(q, keys + keys_at + cache + (size_t)s * c) * scale);
  }
  float sum = 0.0f;
  float result[HEAD_SIZE];
  for (int i = 0; i < HEAD_SIZE; i++) {
    result[i] = 0.0f;
  }
  for (int s = 0; s <= last; s++) {
    float score = dot_cached(q, keys + keys_at + cache + (size_t)s * c);
    float p = exp_1(fma(score, scale, -largest));
    sum += p;
    for (int i = 0; i < HEAD_SIZE; i++) {
      result[i] = fma(p, values[values_at + cache + (size_t)s * c + i], result[i]);
    }
  }
  for (int i = 0; i < HEAD_SIZE; i++) {
    STORE(result[i] / sum, row * c + at.head * HEAD_SIZE + i, out + out_at);
  }
}

#endif

// ---- v2 ----

#if HAS(2)

__kernel __attribute__((reqd_work_group_size(TOKENS, 1, 1))) void attention_forward_v2(
    ACTIVATIONS_OUT(out), OUT(logSumExp), ACTIVATIONS(qkv), const int t, const int heads,
    const float scale) {
  __local float keys[TILE * HEAD_SIZE];
  __local float values[TILE * HEAD_SIZE];
  int query = get_global_id(0);
  int head = get_global_id(1) % heads;
  size_t sequence = get_global_id(1) / heads * (size_t)t;
  int c = heads * HEAD_SIZE;
  __global const activation *q = qkv + qkv_at + sequence * 3 * c + head * HEAD_SIZE;
  float own[HEAD_SIZE];
  float result[HEAD_SIZE];
  for (int i = 0; i < HEAD_SIZE; i++) {
    own[i] = query < t ? LOAD((size_t)query * 3 * c + i, q) * scale : 0.0f;
    result[i] = 0.0f;
  }
  float largest = -INFINITY;
  float sum = 0.0f;
  int end = min(t, (int)(GROUP_ID(0) + 1) * TOKENS);
  for (int first = 0; first < end; first += TILE) {
    barrier(CLK_LOCAL_MEM_FENCE);
    load_rows_v2(keys, q + c, 3 * c, first, t);
    load_rows_v2(values, q + 2 * c, 3 * c, first, t);
    barrier(CLK_LOCAL_MEM_FENCE);
    int count = min(TILE, query - first + 1);
    float scores[TILE];
    float highest = largest;
    for (int s = 0; s < count; s++) {
      scores[s] = dot_tile(own, keys + s * HEAD_SIZE);
      highest = fmax(highest, scores[s]);
    }
    if (count > 0) {
      float shrink = exp_1(largest - highest);
      largest = highest;
      sum *= shrink;
      for (int i = 0; i < HEAD_SIZE; i++) {
        result[i] *= shrink;
      }
      for (int s = 0; s < count; s++) {
        float p = exp_1(scores[s] - largest);
        sum += p;
        for (int i = 0; i < HEAD_SIZE; i++) {
          result[i] = fma(p, values[s * HEAD_SIZE + i], result[i]);
        }
      }
    }
  }
  if (query < t) {
    __global activation *y = out + out_at + (sequence + query) * c + head * HEAD_SIZE;
    for (int i = 0; i < HEAD_SIZE; i++) {
      STORE(result[i] / sum, i, y);
    }
    logSumExp[logSumExp_at + get_global_id(1) * t + query] = largest + log_1(sum);
  }
}

#endif

// ---- v3 ----

#if HAS(3)

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void attention_forward_v3(
    ACTIVATIONS_OUT(out), OUT(logSumExp), ACTIVATIONS(qkv), IN(keys), const int t, const int heads,
    const float scale) {
  int first = ROWS * get_global_id(0);
  int head = get_global_id(1) % heads;
  size_t sequence = get_global_id(1) / heads * (size_t)t;
  int c = heads * HEAD_SIZE;
  __global const activation *q = qkv + qkv_at + sequence * 3 * c + head * HEAD_SIZE;
  __global const activation *v = q + 2 * c;
  int end = min(t, first + ROWS);
  float scores[ROWS][PANEL];
  float16 result[ROWS][VECTORS];
  float16 sums[ROWS];
  float largest[ROWS];
  for (int r = 0; r < ROWS; r++) {
    largest[r] = -INFINITY;
    sums[r] = (float16)(0.0f);
    for (int i = 0; i < VECTORS; i++) {
      result[r][i] = (float16)(0.0f);
    }
  }
#define BY_QUERY(R) MULTIPLY(R, LOAD(p, q##R))
#define POINT(R) __global const activation *q##R = q + (size_t)min(first + R, t - 1) * 3 * c;
  EACH_ROW(POINT)
  for (int key = 0; key < end; key += PANEL) {
    __global const float *panel = panel_of(keys + keys_at, get_global_id(1), key, t);
    {
      EACH_ROW(CLEAR)
      ACCUMULATE(HEAD_SIZE, panel, BY_QUERY)
      EACH_ROW(SPILL_TO_SCORES)
    }
    for (int r = 0; r < ROWS; r++) {
      int16 seen = (int16)(first + r) >= key + LANES;
      int16 seenTail = (int16)(first + r) >= key + 16 + LANES;
      float16 x = vload16(0, scores[r]) * scale;
      float16 y = vload16(1, scores[r]) * scale;
      float highest =
          fmax(largest[r],
               max_16(fmax(seen ? x : (float16)(-INFINITY), seenTail ? y : (float16)(-INFINITY))));
      float shrink = exp_1(largest[r] - highest);
      largest[r] = highest;
      x = seen ? exp_16(x - highest) : (float16)(0.0f);
      y = seenTail ? exp_16(y - highest) : (float16)(0.0f);
      sums[r] = fma(sums[r], (float16)(shrink), x + y);
      vstore16(x, 0, scores[r]);
      vstore16(y, 1, scores[r]);
      for (int i = 0; i < VECTORS; i++) {
        result[r][i] *= shrink;
      }
    }
    add_products_v3(result, scores, v + (size_t)key * 3 * c, 3 * c, min(PANEL, end - key));
  }
  for (int r = 0; r < end - first; r++) {
    float sum = sum_16(sums[r]);
    store_head_v3(out + out_at + (sequence + first + r) * c + head * HEAD_SIZE, result[r],
                  1.0f / sum);
    logSumExp[logSumExp_at + get_global_id(1) * t + first + r] = largest[r] + log_1(sum);
  }
}

#endif
