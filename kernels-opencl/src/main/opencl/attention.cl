// Causal self-attention, for each head: out = softmax(q kT / sqrt(HS), keys up to the query's own
// position) v. qkv (B,T,3C) holds q, k and v side by side; out (B,T,C); logSumExp (B,NH,T) is the
// logarithm of each softmax's denominator. Compiled once per head size, HEAD_SIZE = C / NH.
//
// Backward computes the probabilities again from logSumExp: with P = exp(scale q kT - logSumExp) and
// delta = rowsum(dOut * out), dV = PT dOut, dS = scale P (dOut vT - delta), dQ = dS k, dK = dST q.
// dQ belongs to queries and dK, dV to keys, so they are two kernels, each of which computes P and
// dS: seven products instead of five, and no atomics. Sources: Vaswani et al., 2017; Dao, 2023.
//
// Memory, at least: forward 16 B T C bytes, backward 32; the (T,T) matrix never exists. Arithmetic:
// forward 2 B C T (T+1) operations, backward 7 B C T (T+1).
//
// v1  one work-item per query (or per key), which reads the keys (or queries) from memory one by one:
//     8 bytes per fma, from whatever cache catches them. Forward has the largest score first, then
//     the sum, so every score is computed twice.

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

static float dot_row(__global const float *a, __global const float *b) {
  float sum = 0.0f;
  for (int i = 0; i < HEAD_SIZE; i++) {
    sum = fma(a[i], b[i], sum);
  }
  return sum;
}

__kernel void attention_forward_v1(OUT(out), OUT(logSumExp), IN(qkv), const int b, const int t,
                                   const int heads, const float scale) {
  size_t index = get_global_id(0);
  if (index >= (size_t)b * heads * t) {
    return;
  }
  Place at = place(index, t, heads);
  int c = heads * HEAD_SIZE;
  size_t sequence = (size_t)at.batch * t;
  __global const float *q = qkv + qkv_at + (sequence + at.token) * 3 * c + at.head * HEAD_SIZE;
  __global const float *k = qkv + qkv_at + sequence * 3 * c + c + at.head * HEAD_SIZE;
  __global float *y = out + out_at + (sequence + at.token) * c + at.head * HEAD_SIZE;
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
    __global const float *key = k + (size_t)s * 3 * c;
    float p = exp_1(fma(dot_row(q, key), scale, -largest));
    sum += p;
    for (int i = 0; i < HEAD_SIZE; i++) {
      result[i] = fma(p, key[c + i], result[i]);
    }
  }
  for (int i = 0; i < HEAD_SIZE; i++) {
    y[i] = result[i] / sum;
  }
  logSumExp[logSumExp_at + index] = largest + log_1(sum);
}

// delta(b,head,t) = the sum over the head's channels of dOut * out.
__kernel void attention_delta_v1(OUT(delta), IN(dOut), IN(out), const int b, const int t,
                                 const int heads) {
  size_t index = get_global_id(0);
  if (index >= (size_t)b * heads * t) {
    return;
  }
  Place at = place(index, t, heads);
  size_t row = ((size_t)at.batch * t + at.token) * heads * HEAD_SIZE + at.head * HEAD_SIZE;
  delta[delta_at + index] = dot_row(dOut + dOut_at + row, out + out_at + row);
}

__kernel void attention_backward_query_v1(OUT(dQkv), IN(delta), IN(dOut), IN(qkv), IN(logSumExp),
                                          const int b, const int t, const int heads,
                                          const float scale) {
  size_t index = get_global_id(0);
  if (index >= (size_t)b * heads * t) {
    return;
  }
  Place at = place(index, t, heads);
  int c = heads * HEAD_SIZE;
  size_t sequence = (size_t)at.batch * t;
  size_t row = (sequence + at.token) * 3 * c + at.head * HEAD_SIZE;
  __global const float *q = qkv + qkv_at + row;
  __global const float *k = qkv + qkv_at + sequence * 3 * c + c + at.head * HEAD_SIZE;
  __global const float *d = dOut + dOut_at + (sequence + at.token) * c + at.head * HEAD_SIZE;
  float lse = logSumExp[logSumExp_at + index];
  float own = delta[delta_at + index];
  float dQ[HEAD_SIZE];
  for (int i = 0; i < HEAD_SIZE; i++) {
    dQ[i] = 0.0f;
  }
  for (int s = 0; s <= at.token; s++) {
    __global const float *key = k + (size_t)s * 3 * c;
    float p = exp_1(fma(dot_row(q, key), scale, -lse));
    float dS = p * (dot_row(d, key + c) - own) * scale;
    for (int i = 0; i < HEAD_SIZE; i++) {
      dQ[i] = fma(dS, key[i], dQ[i]);
    }
  }
  for (int i = 0; i < HEAD_SIZE; i++) {
    dQkv[dQkv_at + row + i] = dQ[i];
  }
}

__kernel void attention_backward_key_v1(OUT(dQkv), IN(delta), IN(dOut), IN(qkv), IN(logSumExp),
                                        const int b, const int t, const int heads,
                                        const float scale) {
  size_t index = get_global_id(0);
  if (index >= (size_t)b * heads * t) {
    return;
  }
  Place at = place(index, t, heads);
  int c = heads * HEAD_SIZE;
  size_t sequence = (size_t)at.batch * t;
  size_t row = (sequence + at.token) * 3 * c + c + at.head * HEAD_SIZE;
  __global const float *k = qkv + qkv_at + row;
  __global const float *v = k + c;
  size_t firstRow = ((size_t)at.batch * heads + at.head) * t;
  float dK[HEAD_SIZE];
  float dV[HEAD_SIZE];
  for (int i = 0; i < HEAD_SIZE; i++) {
    dK[i] = 0.0f;
    dV[i] = 0.0f;
  }
  for (int s = at.token; s < t; s++) {
    __global const float *q = qkv + qkv_at + (sequence + s) * 3 * c + at.head * HEAD_SIZE;
    __global const float *d = dOut + dOut_at + (sequence + s) * c + at.head * HEAD_SIZE;
    float p = exp_1(fma(dot_row(q, k), scale, -logSumExp[logSumExp_at + firstRow + s]));
    float dS = p * (dot_row(d, v) - delta[delta_at + firstRow + s]) * scale;
    for (int i = 0; i < HEAD_SIZE; i++) {
      dV[i] = fma(p, d[i], dV[i]);
      dK[i] = fma(dS, q[i], dK[i]);
    }
  }
  for (int i = 0; i < HEAD_SIZE; i++) {
    dQkv[dQkv_at + row + i] = dK[i];
    dQkv[dQkv_at + row + c + i] = dV[i];
  }
}

// Attention of T new tokens to themselves and to all before them. First their keys and values are
// appended to the caches (B,room,C) at position, one work-item per channel of each token.
__kernel void append_to_caches_v1(OUT(keys), OUT(values), IN(qkv), INTEGERS(position), const int t,
                                  const int room, const int c) {
  size_t i = get_global_id(0);
  size_t row = get_global_id(1);
  if (i < c) {
    size_t to = (row / t * room + position[position_at] + row % t) * c + i;
    keys[keys_at + to] = qkv[qkv_at + row * 3 * c + c + i];
    values[values_at + to] = qkv[qkv_at + row * 3 * c + 2 * c + i];
  }
}

// Then one work-item per query and head, as in attention_forward_v1.
__kernel void cached_attention_v1(OUT(out), IN(keys), IN(values), IN(qkv), INTEGERS(position),
                                  const int b, const int t, const int room, const int heads,
                                  const float scale) {
  size_t index = get_global_id(0);
  if (index >= (size_t)b * heads * t) {
    return;
  }
  Place at = place(index, t, heads);
  int c = heads * HEAD_SIZE;
  size_t row = (size_t)at.batch * t + at.token;
  __global const float *q = qkv + qkv_at + row * 3 * c + at.head * HEAD_SIZE;
  size_t cache = (size_t)at.batch * room * c + at.head * HEAD_SIZE;
  int last = position[position_at] + at.token;
  float largest = -INFINITY;
  for (int s = 0; s <= last; s++) {
    largest = fmax(largest, dot_row(q, keys + keys_at + cache + (size_t)s * c) * scale);
  }
  float sum = 0.0f;
  float result[HEAD_SIZE];
  for (int i = 0; i < HEAD_SIZE; i++) {
    result[i] = 0.0f;
  }
  for (int s = 0; s <= last; s++) {
    float score = dot_row(q, keys + keys_at + cache + (size_t)s * c);
    float p = exp_1(fma(score, scale, -largest));
    sum += p;
    for (int i = 0; i < HEAD_SIZE; i++) {
      result[i] = fma(p, values[values_at + cache + (size_t)s * c + i], result[i]);
    }
  }
  for (int i = 0; i < HEAD_SIZE; i++) {
    out[out_at + row * c + at.head * HEAD_SIZE + i] = result[i] / sum;
  }
}
