// Rotary positions of queries and keys, for NH heads of queries that share NKV heads of keys and values;
// with G = NH / NKV, query head h shares kv head h / G. A row of `grouped` is q | k | v of NH, NKV and NKV
// heads of HS channels, a row of `whole` q | k | v of NH heads each. A row of the table has HS / 2 cosines
// of a position's angles, then as many sines; with x1, x2 the halves of a head:
//
// RotaryForward: whole = grouped with q and k rotated by the angles of position start + t,
// y1 = x1 cos - x2 sin, y2 = x2 cos + x1 sin, and k and v repeated G times.
// RotaryBackward: the gradient of grouped = that of whole, summed over the G heads that share one, in the
// order of heads, and rotated back, x1 = y1 cos + y2 sin, x2 = y2 cos - y1 sin.
//
// Traffic per token: forward reads (NH + 2 NKV) HS numbers (the caches have what G heads read again) and
// writes 3 NH HS, backward the other way round. The table's rows of HS floats are read by all heads of a
// position, through the caches.
//
// v1  one thread per pair of channels, i and i + HS / 2 of a head, of what is written
// v2  one thread per pair of 128-bit packs, where HS / 2 is whole packs. Same bits.
//
// blockIdx.x: row, blockIdx.y: which pairs of it.
#include "device.cuh"

// Rotates (x1, x2) by an angle.
__device__ __forceinline__ void rotate(float& x1, float& x2, float cosine, float sine) {
  float y1 = x1 * cosine - x2 * sine;
  x2 = x2 * cosine + x1 * sine;
  x1 = y1;
}

// The head of a row of `grouped` that a head of a row of `whole` comes from.
__device__ __forceinline__ int source(int head, int heads, int kv_heads) {
  int part = head / heads;
  return part == 0 ? head : heads + (part - 1) * kv_heads + head % heads / (heads / kv_heads);
}

// The first head of a row of `whole` that comes from a head of a row of `grouped`.
__device__ __forceinline__ int first_copy(int head, int heads, int kv_heads) {
  int kv = head - heads;
  return kv < 0 ? head : (1 + kv / kv_heads) * heads + kv % kv_heads * (heads / kv_heads);
}

KERNEL(256)
rotary_forward_v1(real* out, const real* in, const float* table, const int* start, int t, int heads,
                  int kv_heads, int half) {
  int pair = blockIdx.y * blockDim.x + threadIdx.x;
  if (pair >= 3 * heads * half) {
    return;
  }
  long long row = blockIdx.x;
  int head = pair / half;
  int i = pair % half;
  int from = source(head, heads, kv_heads);
  const real* x = in + (row * (heads + 2 * kv_heads) + from) * 2 * half + i;
  float x1 = to_float(x[0]);
  float x2 = to_float(x[half]);
  if (head < 2 * heads) {
    int position = (start ? start[0] : 0) + blockIdx.x % t;
    const float* angle = table + (long long)position * 2 * half + i;
    rotate(x1, x2, angle[0], angle[half]);
  }
  real* y = out + (row * 3 * heads + head) * 2 * half + i;
  y[0] = rounded<real>(x1);
  y[half] = rounded<real>(x2);
}

KERNEL(256)
rotary_forward_v2(real* out, const real* in, const float* table, const int* start, int t, int heads,
                  int kv_heads, int half) {
  int pair = (blockIdx.y * blockDim.x + threadIdx.x) * PACK;
  if (pair >= 3 * heads * half) {
    return;
  }
  long long row = blockIdx.x;
  int head = pair / half;
  int i = pair % half;
  int from = source(head, heads, kv_heads);
  const real* x = in + (row * (heads + 2 * kv_heads) + from) * 2 * half + i;
  Pack<real> first = load_pack(x);
  Pack<real> second = load_pack(x + half);
  if (head < 2 * heads) {
    int position = (start ? start[0] : 0) + blockIdx.x % t;
    const float* angle = table + (long long)position * 2 * half + i;
    UNROLL for (int k = 0; k < PACK; k += 4) {
      Pack<float> cosines = load_pack(angle + k);
      Pack<float> sines = load_pack(angle + half + k);
      UNROLL for (int j = 0; j < 4; j++) {
        float x1 = first.get(k + j);
        float x2 = second.get(k + j);
        rotate(x1, x2, cosines.v[j], sines.v[j]);
        first.set(k + j, x1);
        second.set(k + j, x2);
      }
    }
  }
  real* y = out + (row * 3 * heads + head) * 2 * half + i;
  store_pack(y, first);
  store_pack(y + half, second);
}

KERNEL(256)
rotary_backward_v1(real* d_in, const real* d_out, const float* table, int t, int heads,
                   int kv_heads, int half) {
  int pair = blockIdx.y * blockDim.x + threadIdx.x;
  if (pair >= (heads + 2 * kv_heads) * half) {
    return;
  }
  long long row = blockIdx.x;
  int head = pair / half;
  int i = pair % half;
  int from = first_copy(head, heads, kv_heads);
  int copies = head < heads ? 1 : heads / kv_heads;
  const real* d = d_out + (row * 3 * heads + from) * 2 * half + i;
  float d1 = to_float(d[0]);
  float d2 = to_float(d[half]);
  for (int h = 1; h < copies; h++) {
    d += 2 * half;
    d1 += to_float(d[0]);
    d2 += to_float(d[half]);
  }
  if (head < heads + kv_heads) {
    const float* angle = table + (long long)(blockIdx.x % t) * 2 * half + i;
    rotate(d1, d2, angle[0], -angle[half]);
  }
  real* to = d_in + (row * (heads + 2 * kv_heads) + head) * 2 * half + i;
  to[0] = rounded<real>(d1);
  to[half] = rounded<real>(d2);
}

KERNEL(256)
rotary_backward_v2(real* d_in, const real* d_out, const float* table, int t, int heads,
                   int kv_heads, int half) {
  int pair = (blockIdx.y * blockDim.x + threadIdx.x) * PACK;
  if (pair >= (heads + 2 * kv_heads) * half) {
    return;
  }
  long long row = blockIdx.x;
  int head = pair / half;
  int i = pair % half;
  int from = first_copy(head, heads, kv_heads);
  int copies = head < heads ? 1 : heads / kv_heads;
  const real* d = d_out + (row * 3 * heads + from) * 2 * half + i;
  float d1[PACK];
  float d2[PACK];
  UNROLL for (int k = 0; k < PACK; k++) {
    // To which any number can be added without a change, -0 included.
    d1[k] = -0.0f;
    d2[k] = -0.0f;
  }
  for (int h = 0; h < copies; h++) {
    Pack<real> first = load_pack(d);
    Pack<real> second = load_pack(d + half);
    UNROLL for (int k = 0; k < PACK; k++) {
      d1[k] += first.get(k);
      d2[k] += second.get(k);
    }
    d += 2 * half;
  }
  if (head < heads + kv_heads) {
    const float* angle = table + (long long)(blockIdx.x % t) * 2 * half + i;
    UNROLL for (int k = 0; k < PACK; k += 4) {
      Pack<float> cosines = load_pack(angle + k);
      Pack<float> sines = load_pack(angle + half + k);
      UNROLL for (int j = 0; j < 4; j++) {
        rotate(d1[k + j], d2[k + j], cosines.v[j], -sines.v[j]);
      }
    }
  }
  Pack<real> first;
  Pack<real> second;
  UNROLL for (int k = 0; k < PACK; k++) {
    first.set(k, d1[k]);
    second.set(k, d2[k]);
  }
  real* to = d_in + (row * (heads + 2 * kv_heads) + head) * 2 * half + i;
  store_pack(to, first);
  store_pack(to + half, second);
}
