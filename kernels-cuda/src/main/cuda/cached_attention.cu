// CachedAttention: attention of T new tokens to themselves and to all before them. Their keys and
// values are appended to caches (B,maxT,C) at `position`, which only the device knows; then
// out = softmax(q kᵀ / sqrt(HS)) v over the keys up to the query's own position.
//
// Traffic: each query reads the keys and values before it once.
//
// v1  appending one element per thread; one thread per query and head, scores computed again for
//     every 64 channels
// v2  a block per query and head: its threads share the keys, keep the scores in shared memory, then
//     share the channels
#include "device.cuh"

static constexpr int CHANNELS = 64;

KERNEL(256)
cache_append_v1(real* keys, real* values, const real* qkv, const int* position, int batch, int t,
                int room, int c) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= (long long)batch * t * c) {
    return;
  }
  int channel = (int)(i % c);
  long long token = i / c;
  long long to = (token / t * room + position[0] + token % t) * c + channel;
  keys[to] = qkv[token * 3 * c + c + channel];
  values[to] = qkv[token * 3 * c + 2 * c + channel];
}

__device__ __forceinline__ float dot(const real* a, const real* b, int n) {
  float sum = 0.0f;
  for (int i = 0; i < n; i++) {
    sum = fmaf(to_float(a[i]), to_float(b[i]), sum);
  }
  return sum;
}

KERNEL(128)
cached_attention_v1(real* out, const real* keys, const real* values, const real* qkv,
                    const int* position, int batch, int t, int room, int heads, int hs) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= (long long)batch * t * heads) {
    return;
  }
  int c = heads * hs;
  int head = (int)(i % heads);
  long long token = i / heads;
  int seen = position[0] + (int)(token % t) + 1;
  float scale = 1.0f / sqrtf((float)hs);
  const real* q = qkv + token * 3 * c + head * hs;
  const real* k = keys + token / t * room * c + head * hs;
  const real* v = values + token / t * room * c + head * hs;
  float max = -INFINITY_F;
  for (int s = 0; s < seen; s++) {
    max = larger(max, dot(q, k + (long long)s * c, hs) * scale);
  }
  float sum = 0.0f;
  for (int s = 0; s < seen; s++) {
    sum += exp_poly(dot(q, k + (long long)s * c, hs) * scale - max);
  }
  for (int first = 0; first < hs; first += CHANNELS) {
    int count = lesser(CHANNELS, hs - first);
    float sums[CHANNELS];
    for (int j = 0; j < count; j++) {
      sums[j] = 0.0f;
    }
    for (int s = 0; s < seen; s++) {
      float p = exp_poly(dot(q, k + (long long)s * c, hs) * scale - max) / sum;
      for (int j = 0; j < count; j++) {
        sums[j] = fmaf(p, to_float(v[(long long)s * c + first + j]), sums[j]);
      }
    }
    for (int j = 0; j < count; j++) {
      out[token * c + head * hs + first + j] = rounded<real>(sums[j]);
    }
  }
}

// blockIdx.x: query and head. Scores of `room` keys fit in shared memory.
KERNEL(128)
cached_attention_v2(real* out, const real* keys, const real* values, const real* qkv,
                    const int* position, int t, int room, int heads, int hs) {
  DYNAMIC_SHARED(float, scores);
  __shared__ float maxima[WARP];
  __shared__ float partial[WARP];
  int c = heads * hs;
  int head = blockIdx.x % heads;
  long long token = blockIdx.x / heads;
  int seen = position[0] + (int)(token % t) + 1;
  float scale = 1.0f / sqrtf((float)hs);
  const real* q = qkv + token * 3 * c + head * hs;
  const real* k = keys + token / t * room * c + head * hs;
  const real* v = values + token / t * room * c + head * hs;
  int lane = threadIdx.x % WARP;
  int warp = threadIdx.x / WARP;
  int warps = blockDim.x / WARP;
  float max = -INFINITY_F;
  for (int s = warp; s < seen; s += warps) {
    float score = 0.0f;
    for (int i = lane; i < hs; i += WARP) {
      score = fmaf(to_float(q[i]), to_float(k[(long long)s * c + i]), score);
    }
    score = warp_sum(score) * scale;
    if (lane == 0) {
      scores[s] = score;
    }
    max = larger(max, score);
  }
  max = block_max(max, maxima);
  float sum = 0.0f;
  for (int s = threadIdx.x; s < seen; s += blockDim.x) {
    float e = exp_poly(scores[s] - max);
    scores[s] = e;
    sum += e;
  }
  sum = block_sum(sum, partial);
  float inverse = 1.0f / sum;
  for (int i = threadIdx.x; i < hs; i += blockDim.x) {
    float total = 0.0f;
    UNROLL_BY(4) for (int s = 0; s < seen; s++) {
      total = fmaf(scores[s], to_float(v[(long long)s * c + i]), total);
    }
    out[token * c + head * hs + i] = rounded<real>(total * inverse);
  }
}
