// What attention_mma.cu of every vendor has: where a head is in memory, and delta, the sum over a head's
// channels of dOut times out.
#ifndef ANNEAL_ATTENTION_HEAD_CUH
#define ANNEAL_ATTENTION_HEAD_CUH

#include "device.cuh"

// Where one head of one sequence is: blockIdx.y.
struct Head {
  int index, c;
  long long sequence, stride;  // its first token; between tokens of qkv

  __device__ __forceinline__ Head(int t, int heads, int d) {
    index = blockIdx.y % heads;
    c = heads * d;
    sequence = (long long)(blockIdx.y / heads) * t;
    stride = 3ll * c;
  }

  // The offset of this head's q of token `position`; k is c further, v 2 c.
  __device__ __forceinline__ long long qkv(int position, int d) const {
    return (sequence + position) * stride + index * d;
  }

  __device__ __forceinline__ long long out(int position, int d) const {
    return (sequence + position) * c + index * d;
  }
};

// One query and head per 8 or 16 lanes, a pack each.
template <int D>
__device__ __forceinline__ void sum_of_products(float* delta, const bf16* d_out, const bf16* out,
                                                int batch, int t, int heads) {
  static constexpr int LANES = D / Pack<bf16>::N;
  long long i = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / LANES;
  bool in = i < (long long)batch * t * heads;
  float sum = 0.0f;
  if (in) {
    long long at = i * D + threadIdx.x % LANES * Pack<bf16>::N;
    Pack<bf16> a = load_pack(d_out + at);
    Pack<bf16> b = load_pack_once(out + at);
    UNROLL for (int n = 0; n < Pack<bf16>::N; n++) {
      sum = fmaf(a.get(n), b.get(n), sum);
    }
  }
  UNROLL for (int offset = LANES / 2; offset > 0; offset /= 2) {
    sum += __shfl_xor_sync(ALL_LANES, sum, offset);
  }
  if (in && threadIdx.x % LANES == 0) {
    long long token = i / heads;
    delta[(token / t * heads + i % heads) * t + token % t] = sum;
  }
}

KERNEL(256)
attention_delta_64_v3(float* delta, const bf16* d_out, const bf16* out, int batch, int t,
                      int heads) {
  sum_of_products<64>(delta, d_out, out, batch, t, heads);
}

KERNEL(256)
attention_delta_128_v3(float* delta, const bf16* d_out, const bf16* out, int batch, int t,
                       int heads) {
  sum_of_products<128>(delta, d_out, out, batch, t, heads);
}

#endif
