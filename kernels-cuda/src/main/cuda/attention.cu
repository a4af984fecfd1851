// Causal self-attention. qkv (B,T,3C) holds q, k and v side by side, heads of HS = C / NH channels.
//
// AttentionForward: out = softmax(q kᵀ / sqrt(HS)) v over the keys up to the query's own position, and
// logSumExp of each query.
// AttentionBackward: with p = exp(score - logSumExp), delta = the sum of dOut * out of a query, and
// dS = p (dOut vᵀ - delta) / sqrt(HS): dQ = dS k, dK = dSᵀ q, dV = pᵀ dOut.
// CachedAttention is in cached_attention.cu.
//
// The (T,T) matrix never exists. Traffic: forward reads q once and k and v once per tile of queries;
// backward reads each of the four twice per tile, and computes scores twice, so that dQ and dK, dV
// each have one writer: no atomics, the same bits in every run.
//
// v1  one thread per query (forward, dQ) or key (dK, dV), scores computed again for every 64 channels
// v2  tiles of 64 (forward) or 32 (backward) queries and keys in shared memory, half of that for more
//     than 64 channels where a block's shared memory is small; a 16 x 16 block; largest score and sum
//     of a row are corrected as tiles come (FlashAttention-2); HS up to 128
#include "device.cuh"

// ---- v1 ----

static constexpr int CHANNELS = 64;

__device__ __forceinline__ float dot(const real* a, const real* b, int n) {
  float sum = 0.0f;
  for (int i = 0; i < n; i++) {
    sum = fmaf(to_float(a[i]), to_float(b[i]), sum);
  }
  return sum;
}

// One query or key of one head, of `number` of them.
struct Place {
  int position, head;
  long long sequence;  // its first token
  bool in;

  __device__ __forceinline__ Place(int t, int heads, long long number) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    in = i < number;
    position = (int)(i % t);
    head = (int)(i / t % heads);
    sequence = i / t / heads * t;
  }
};

KERNEL(128)
attention_forward_v1(real* out, float* log_sum_exps, const real* qkv, int batch, int t, int heads,
                     int hs) {
  Place at(t, heads, (long long)batch * heads * t);
  if (!at.in) {
    return;
  }
  int c = heads * hs;
  float scale = 1.0f / sqrtf((float)hs);
  const real* q = qkv + (at.sequence + at.position) * 3 * c + at.head * hs;
  const real* k = qkv + at.sequence * 3 * c + c + at.head * hs;
  const real* v = k + c;
  float max = -INFINITY_F;
  for (int s = 0; s <= at.position; s++) {
    max = larger(max, dot(q, k + (long long)s * 3 * c, hs) * scale);
  }
  float sum = 0.0f;
  for (int s = 0; s <= at.position; s++) {
    sum += exp_poly(dot(q, k + (long long)s * 3 * c, hs) * scale - max);
  }
  real* to = out + (at.sequence + at.position) * c + at.head * hs;
  for (int first = 0; first < hs; first += CHANNELS) {
    int count = lesser(CHANNELS, hs - first);
    float sums[CHANNELS];
    for (int i = 0; i < count; i++) {
      sums[i] = 0.0f;
    }
    for (int s = 0; s <= at.position; s++) {
      float p = exp_poly(dot(q, k + (long long)s * 3 * c, hs) * scale - max) / sum;
      for (int i = 0; i < count; i++) {
        sums[i] = fmaf(p, to_float(v[(long long)s * 3 * c + first + i]), sums[i]);
      }
    }
    for (int i = 0; i < count; i++) {
      to[first + i] = rounded<real>(sums[i]);
    }
  }
  long long sequence_index = at.sequence / t;
  log_sum_exps[(sequence_index * heads + at.head) * t + at.position] = max + log_poly(sum);
}

KERNEL(128)
attention_delta_v1(float* delta, const real* d_out, const real* out, int batch, int t, int heads,
                   int hs) {
  Place at(t, heads, (long long)batch * heads * t);
  if (at.in) {
    long long row = (at.sequence + at.position) * heads * hs + at.head * hs;
    delta[(at.sequence / t * heads + at.head) * t + at.position] = dot(d_out + row, out + row, hs);
  }
}

KERNEL(128)
attention_backward_query_v1(real* d_qkv, const float* delta, const real* d_out, const real* qkv,
                            const float* log_sum_exps, int batch, int t, int heads, int hs) {
  Place at(t, heads, (long long)batch * heads * t);
  if (!at.in) {
    return;
  }
  int c = heads * hs;
  float scale = 1.0f / sqrtf((float)hs);
  long long token = at.sequence + at.position;
  const real* q = qkv + token * 3 * c + at.head * hs;
  const real* k = qkv + at.sequence * 3 * c + c + at.head * hs;
  const real* v = k + c;
  const real* d = d_out + token * c + at.head * hs;
  long long row = (at.sequence / t * heads + at.head) * t + at.position;
  real* to = d_qkv + token * 3 * c + at.head * hs;
  for (int first = 0; first < hs; first += CHANNELS) {
    int count = lesser(CHANNELS, hs - first);
    float sums[CHANNELS];
    for (int i = 0; i < count; i++) {
      sums[i] = 0.0f;
    }
    for (int s = 0; s <= at.position; s++) {
      long long key = (long long)s * 3 * c;
      float p = exp_poly(dot(q, k + key, hs) * scale - log_sum_exps[row]);
      float ds = p * (dot(d, v + key, hs) - delta[row]) * scale;
      for (int i = 0; i < count; i++) {
        sums[i] = fmaf(ds, to_float(k[key + first + i]), sums[i]);
      }
    }
    for (int i = 0; i < count; i++) {
      to[first + i] = rounded<real>(sums[i]);
    }
  }
}

KERNEL(128)
attention_backward_key_v1(real* d_qkv, const float* delta, const real* d_out, const real* qkv,
                          const float* log_sum_exps, int batch, int t, int heads, int hs) {
  Place at(t, heads, (long long)batch * heads * t);
  if (!at.in) {
    return;
  }
  int c = heads * hs;
  float scale = 1.0f / sqrtf((float)hs);
  const real* q = qkv + at.sequence * 3 * c + at.head * hs;
  const real* k = qkv + (at.sequence + at.position) * 3 * c + c + at.head * hs;
  const real* v = k + c;
  const real* d = d_out + at.sequence * c + at.head * hs;
  long long rows = (at.sequence / t * heads + at.head) * t;
  real* to = d_qkv + (at.sequence + at.position) * 3 * c + c + at.head * hs;
  for (int first = 0; first < hs; first += CHANNELS) {
    int count = lesser(CHANNELS, hs - first);
    float d_k[CHANNELS];
    float d_v[CHANNELS];
    for (int i = 0; i < count; i++) {
      d_k[i] = 0.0f;
      d_v[i] = 0.0f;
    }
    for (int s = at.position; s < t; s++) {
      const real* query = q + (long long)s * 3 * c;
      const real* dy = d + (long long)s * c;
      float p = exp_poly(dot(query, k, hs) * scale - log_sum_exps[rows + s]);
      float ds = p * (dot(dy, v, hs) - delta[rows + s]) * scale;
      for (int i = 0; i < count; i++) {
        d_k[i] = fmaf(ds, to_float(query[first + i]), d_k[i]);
        d_v[i] = fmaf(p, to_float(dy[first + i]), d_v[i]);
      }
    }
    for (int i = 0; i < count; i++) {
      to[first + i] = rounded<real>(d_k[i]);
      to[c + first + i] = rounded<real>(d_v[i]);
    }
  }
}

// ---- v2 ----

// Rows in a tile of the forward pass; half as many in the backward pass, whose blocks keep four tiles.
// Three tiles of 64 rows of 128 channels need 83 KiB.
template <int D>
static constexpr int TILE_ROWS = D > 64 && SHARED_BYTES < (83 << 10) ? 32 : 64;

// Rows of D channels in shared memory; four numbers between rows keep 128-bit reads of eight rows on
// different banks.
template <int D>
struct Row {
  float x[D + 4];
};

// Brings `tile` rows from `from` on, zeros beyond `rows` rows and beyond hs channels, times `factor`.
template <int D>
__device__ __forceinline__ void bring(Row<D>* to, const real* from, long long stride, int tile,
                                      int rows, int hs, float factor) {
  bool aligned = hs % 4 == 0;
  for (int i = threadIdx.x; i < tile * (D / 4); i += blockDim.x) {
    int row = i / (D / 4);
    int channel = i % (D / 4) * 4;
    float4 x = row < rows ? load_four(from + row * stride + channel, hs - channel, aligned)
                          : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    x.x *= factor;
    x.y *= factor;
    x.z *= factor;
    x.w *= factor;
    *reinterpret_cast<float4*>(&to[row].x[channel]) = x;
  }
}

// sums(i,j) = the product of row R y + i of a and row x + 16 j of b, for thread (y, x) of 16 x 16.
template <int D, int R>
__device__ __forceinline__ void row_products(float (&sums)[R][R], const Row<D>* a,
                                             const Row<D>* b) {
  int y = threadIdx.x / 16;
  int x = threadIdx.x % 16;
  UNROLL for (int i = 0; i < R; i++) {
    UNROLL for (int j = 0; j < R; j++) {
      sums[i][j] = 0.0f;
    }
  }
  UNROLL_BY(2) for (int d = 0; d < D; d += 4) {
    float4 as[R];
    float4 bs[R];
    UNROLL for (int i = 0; i < R; i++) {
      as[i] = *reinterpret_cast<const float4*>(&a[R * y + i].x[d]);
      bs[i] = *reinterpret_cast<const float4*>(&b[x + 16 * i].x[d]);
    }
    UNROLL for (int i = 0; i < R; i++) {
      UNROLL for (int j = 0; j < R; j++) {
        float sum = fmaf(as[i].x, bs[j].x, sums[i][j]);
        sum = fmaf(as[i].y, bs[j].y, sum);
        sum = fmaf(as[i].z, bs[j].z, sum);
        sums[i][j] = fmaf(as[i].w, bs[j].w, sum);
      }
    }
  }
}

// sums(i, channels of this thread) += the sum over s of weights(i, s) b(s, channel), i = R y + ...;
// weights lie as (i, s), or (s, i) when TRANSPOSED. Thread (y, x) has channels 4x.. and 64 + 4x...
template <int D, int R, bool TRANSPOSED>
__device__ __forceinline__ void weigh(float (&sums)[R][D / 16], const float* weights, int stride,
                                      const Row<D>* b, int count) {
  int y = threadIdx.x / 16;
  int x = threadIdx.x % 16;
  UNROLL_BY(2) for (int s = 0; s < count; s++) {
    float w[R];
    UNROLL for (int i = 0; i < R; i++) {
      w[i] = TRANSPOSED ? weights[s * stride + R * y + i] : weights[(R * y + i) * stride + s];
    }
    UNROLL for (int g = 0; g < D / 64; g++) {
      float4 v = *reinterpret_cast<const float4*>(&b[s].x[64 * g + 4 * x]);
      UNROLL for (int i = 0; i < R; i++) {
        sums[i][4 * g] = fmaf(w[i], v.x, sums[i][4 * g]);
        sums[i][4 * g + 1] = fmaf(w[i], v.y, sums[i][4 * g + 1]);
        sums[i][4 * g + 2] = fmaf(w[i], v.z, sums[i][4 * g + 2]);
        sums[i][4 * g + 3] = fmaf(w[i], v.w, sums[i][4 * g + 3]);
      }
    }
  }
}

template <int D, int R>
__device__ __forceinline__ void clear(float (&sums)[R][D / 16]) {
  UNROLL for (int i = 0; i < R; i++) {
    UNROLL for (int j = 0; j < D / 16; j++) {
      sums[i][j] = 0.0f;
    }
  }
}

// Writes this thread's channels of its R rows, those that exist.
template <int D, int R>
__device__ __forceinline__ void put(real* to, long long stride, const float (&sums)[R][D / 16],
                                    int rows, int hs) {
  int y = threadIdx.x / 16;
  int x = threadIdx.x % 16;
  UNROLL for (int i = 0; i < R; i++) {
    UNROLL for (int j = 0; j < D / 16; j++) {
      int channel = j / 4 * 64 + 4 * x + j % 4;
      if (R * y + i < rows && channel < hs) {
        to[(R * y + i) * stride + channel] = rounded<real>(sums[i][j]);
      }
    }
  }
}

// Of 16 lanes side by side: those that share rows of a tile.
__device__ __forceinline__ float sixteen_max(float x) {
  UNROLL for (int offset = 8; offset > 0; offset /= 2) {
    x = larger(x, __shfl_xor_sync(ALL_LANES, x, offset));
  }
  return x;
}

__device__ __forceinline__ float sixteen_sum(float x) {
  UNROLL for (int offset = 8; offset > 0; offset /= 2) {
    x += __shfl_xor_sync(ALL_LANES, x, offset);
  }
  return x;
}

// blockIdx.x: tile of queries, the last first, since it has most keys; blockIdx.y: sequence and head.
template <int D>
__device__ __forceinline__ void flash_forward(real* out, float* log_sum_exps, const real* qkv,
                                              int t, int heads, int hs) {
  static constexpr int TILE = TILE_ROWS<D>;
  static constexpr int R = TILE / 16;
  DYNAMIC_SHARED(Row<D>, q);
  Row<D>* kv = q + TILE;
  float* p = kv[TILE].x;
  static constexpr int P_STRIDE = TILE + 1;
  int y = threadIdx.x / 16;
  int x = threadIdx.x % 16;
  int tile = gridDim.x - 1 - blockIdx.x;
  int head = blockIdx.y % heads;
  long long sequence = (long long)(blockIdx.y / heads) * t;
  int c = heads * hs;
  long long stride = 3ll * c;
  int first = tile * TILE;
  const real* queries = qkv + (sequence + first) * stride + head * hs;
  const real* keys = qkv + sequence * stride + c + head * hs;
  const real* values = keys + c;
  bring<D>(q, queries, stride, TILE, t - first, hs, 1.0f / sqrtf((float)hs));
  float max[R];
  float sum[R];
  float result[R][D / 16];
  clear<D, R>(result);
  UNROLL for (int i = 0; i < R; i++) {
    max[i] = -INFINITY_F;
    sum[i] = 0.0f;
  }
  for (int key = 0; key <= first; key += TILE) {
    __syncthreads();
    bring<D>(kv, keys + key * stride, stride, TILE, t - key, hs, 1.0f);
    __syncthreads();
    float s[R][R];
    row_products<D, R>(s, q, kv);
    UNROLL for (int i = 0; i < R; i++) {
      int query = first + R * y + i;
      float largest = max[i];
      UNROLL for (int j = 0; j < R; j++) {
        if (key + x + 16 * j <= query) {
          largest = larger(largest, s[i][j]);
        }
      }
      largest = sixteen_max(largest);
      float kept = max[i] == -INFINITY_F ? 0.0f : exp_poly(max[i] - largest);
      float added = 0.0f;
      UNROLL for (int j = 0; j < R; j++) {
        float e = key + x + 16 * j <= query ? exp_poly(s[i][j] - largest) : 0.0f;
        p[(R * y + i) * P_STRIDE + x + 16 * j] = e;
        added += e;
      }
      max[i] = largest;
      sum[i] = sum[i] * kept + sixteen_sum(added);
      UNROLL for (int j = 0; j < D / 16; j++) {
        result[i][j] *= kept;
      }
    }
    __syncthreads();
    bring<D>(kv, values + key * stride, stride, TILE, t - key, hs, 1.0f);
    __syncthreads();
    weigh<D, R, false>(result, p, P_STRIDE, kv, TILE);
  }
  UNROLL for (int i = 0; i < R; i++) {
    float inverse = 1.0f / sum[i];
    UNROLL for (int j = 0; j < D / 16; j++) {
      result[i][j] *= inverse;
    }
    int query = first + R * y + i;
    if (x == 0 && query < t) {
      log_sum_exps[(long long)blockIdx.y * t + query] = max[i] + log_poly(sum[i]);
    }
  }
  put<D, R>(out + (sequence + first) * c + head * hs, c, result, t - first, hs);
}

KERNEL(256)
attention_forward_64_v2(real* out, float* log_sum_exps, const real* qkv, int t, int heads, int hs) {
  flash_forward<64>(out, log_sum_exps, qkv, t, heads, hs);
}

KERNEL(256)
attention_forward_128_v2(real* out, float* log_sum_exps, const real* qkv, int t, int heads,
                         int hs) {
  flash_forward<128>(out, log_sum_exps, qkv, t, heads, hs);
}

// One warp per query and head.
KERNEL(256)
attention_delta_v2(float* delta, const real* d_out, const real* out, int batch, int t, int heads,
                   int hs) {
  long long i = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / WARP;
  if (i >= (long long)batch * t * heads) {
    return;
  }
  int head = (int)(i % heads);
  long long token = i / heads;
  const real* a = d_out + i * hs;
  const real* b = out + i * hs;
  float sum = 0.0f;
  for (int k = threadIdx.x % WARP; k < hs; k += WARP) {
    sum = fmaf(to_float(a[k]), to_float(b[k]), sum);
  }
  sum = warp_sum(sum);
  if (threadIdx.x % WARP == 0) {
    delta[(token / t * heads + head) * t + token % t] = sum;
  }
}

// p = exp(score - logSumExp) and ds = p (dOut v - delta) / sqrt(HS) of a tile, in shared
// memory as (query, key); zero where the key is later than the query or the query is none.
template <int D, int TILE>
__device__ __forceinline__ void score_tile(float* p, float* ds, int p_stride, const Row<D>* q,
                                           const Row<D>* k, const Row<D>* d, const Row<D>* v,
                                           const float* log_sum_exps, const float* delta,
                                           int query_first, int key_first, int t, float scale) {
  static constexpr int R = TILE / 16;
  int y = threadIdx.x / 16;
  int x = threadIdx.x % 16;
  float s[R][R];
  float dp[R][R];
  row_products<D, R>(s, q, k);
  row_products<D, R>(dp, d, v);
  UNROLL for (int i = 0; i < R; i++) {
    int query = query_first + R * y + i;
    float log_sum_exp = query < t ? log_sum_exps[query] : 0.0f;
    float expected = query < t ? delta[query] : 0.0f;
    UNROLL for (int j = 0; j < R; j++) {
      int column = x + 16 * j;
      bool seen = query < t && key_first + column <= query;
      float e = seen ? exp_poly(s[i][j] * scale - log_sum_exp) : 0.0f;
      if (p) {
        p[(R * y + i) * p_stride + column] = e;
      }
      ds[(R * y + i) * p_stride + column] = e * (dp[i][j] - expected) * scale;
    }
  }
}

// dK and dV of a tile of keys: blockIdx.x, the first first, since it has most queries.
template <int D>
__device__ __forceinline__ void flash_backward_key(real* d_qkv, const float* delta,
                                                   const real* d_out, const real* qkv,
                                                   const float* log_sum_exps, int t, int heads,
                                                   int hs) {
  static constexpr int TILE = TILE_ROWS<D> / 2;
  static constexpr int R = TILE / 16;
  static constexpr int P_STRIDE = TILE + 1;
  DYNAMIC_SHARED(Row<D>, k);
  Row<D>* v = k + TILE;
  Row<D>* q = v + TILE;
  Row<D>* d = q + TILE;
  float* p = d[TILE].x;
  float* ds = p + TILE * P_STRIDE;
  int head = blockIdx.y % heads;
  long long sequence = (long long)(blockIdx.y / heads) * t;
  int c = heads * hs;
  long long stride = 3ll * c;
  int first = blockIdx.x * TILE;
  const real* queries = qkv + sequence * stride + head * hs;
  const real* keys = queries + first * stride + c;
  const real* d_outs = d_out + sequence * c + head * hs;
  bring<D>(k, keys, stride, TILE, t - first, hs, 1.0f);
  bring<D>(v, keys + c, stride, TILE, t - first, hs, 1.0f);
  float scale = 1.0f / sqrtf((float)hs);
  float d_k[R][D / 16];
  float d_v[R][D / 16];
  clear<D, R>(d_k);
  clear<D, R>(d_v);
  for (int query = first; query < t; query += TILE) {
    __syncthreads();
    bring<D>(q, queries + query * stride, stride, TILE, t - query, hs, 1.0f);
    bring<D>(d, d_outs + (long long)query * c, c, TILE, t - query, hs, 1.0f);
    __syncthreads();
    score_tile<D, TILE>(p, ds, P_STRIDE, q, k, d, v, log_sum_exps + (long long)blockIdx.y * t,
                        delta + (long long)blockIdx.y * t, query, first, t, scale);
    __syncthreads();
    weigh<D, R, true>(d_v, p, P_STRIDE, d, TILE);
    weigh<D, R, true>(d_k, ds, P_STRIDE, q, TILE);
  }
  real* to = d_qkv + (sequence + first) * stride + c + head * hs;
  put<D, R>(to, stride, d_k, t - first, hs);
  put<D, R>(to + c, stride, d_v, t - first, hs);
}

KERNEL(256)
attention_backward_key_64_v2(real* d_qkv, const float* delta, const real* d_out, const real* qkv,
                             const float* log_sum_exps, int t, int heads, int hs) {
  flash_backward_key<64>(d_qkv, delta, d_out, qkv, log_sum_exps, t, heads, hs);
}

KERNEL(256)
attention_backward_key_128_v2(real* d_qkv, const float* delta, const real* d_out, const real* qkv,
                              const float* log_sum_exps, int t, int heads, int hs) {
  flash_backward_key<128>(d_qkv, delta, d_out, qkv, log_sum_exps, t, heads, hs);
}

// dQ of a tile of queries, the last first.
template <int D>
__device__ __forceinline__ void flash_backward_query(real* d_qkv, const float* delta,
                                                     const real* d_out, const real* qkv,
                                                     const float* log_sum_exps, int t, int heads,
                                                     int hs) {
  static constexpr int TILE = TILE_ROWS<D> / 2;
  static constexpr int R = TILE / 16;
  static constexpr int P_STRIDE = TILE + 1;
  DYNAMIC_SHARED(Row<D>, q);
  Row<D>* d = q + TILE;
  Row<D>* k = d + TILE;
  Row<D>* v = k + TILE;
  float* ds = v[TILE].x;
  int tile = gridDim.x - 1 - blockIdx.x;
  int head = blockIdx.y % heads;
  long long sequence = (long long)(blockIdx.y / heads) * t;
  int c = heads * hs;
  long long stride = 3ll * c;
  int first = tile * TILE;
  const real* queries = qkv + (sequence + first) * stride + head * hs;
  const real* keys = qkv + sequence * stride + c + head * hs;
  bring<D>(q, queries, stride, TILE, t - first, hs, 1.0f);
  bring<D>(d, d_out + (sequence + first) * c + head * hs, c, TILE, t - first, hs, 1.0f);
  float scale = 1.0f / sqrtf((float)hs);
  float d_q[R][D / 16];
  clear<D, R>(d_q);
  for (int key = 0; key <= first; key += TILE) {
    __syncthreads();
    bring<D>(k, keys + key * stride, stride, TILE, t - key, hs, 1.0f);
    bring<D>(v, keys + key * stride + c, stride, TILE, t - key, hs, 1.0f);
    __syncthreads();
    score_tile<D, TILE>(nullptr, ds, P_STRIDE, q, k, d, v, log_sum_exps + (long long)blockIdx.y * t,
                        delta + (long long)blockIdx.y * t, first, key, t, scale);
    __syncthreads();
    weigh<D, R, false>(d_q, ds, P_STRIDE, k, TILE);
  }
  put<D, R>(d_qkv + (sequence + first) * stride + head * hs, stride, d_q, t - first, hs);
}

KERNEL(256)
attention_backward_query_64_v2(real* d_qkv, const float* delta, const real* d_out, const real* qkv,
                               const float* log_sum_exps, int t, int heads, int hs) {
  flash_backward_query<64>(d_qkv, delta, d_out, qkv, log_sum_exps, t, heads, hs);
}

KERNEL(256)
attention_backward_query_128_v2(real* d_qkv, const float* delta, const real* d_out, const real* qkv,
                                const float* log_sum_exps, int t, int heads, int hs) {
  flash_backward_query<128>(d_qkv, delta, d_out, qkv, log_sum_exps, t, heads, hs);
}
