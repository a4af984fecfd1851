// GeluForward: out = x * sigmoid(2u) with 2u = 2 sqrt(2/pi) (x + 0.044715 x^3), which is
// 0.5 x (1 + tanh u) with one exponential and one division, and no cancellation for small u.
// GeluBackward: dIn = dOut * (s + x (s - s^2) (2u)') with s = sigmoid(2u).
//
// Traffic: forward one read and one write per element, backward two reads and one write; the result
// may be one of the inputs.
//
// v1  one element per thread
// v2  one 128-bit pack per thread; also gives the largest size of what each block writes, where `largest`
//     is not null: quantize.cu's scale
#include "device.cuh"

static constexpr float TWO_SQRT_2_OVER_PI = 1.5957691216f;
static constexpr float CUBIC = 0.044715f;

__device__ __forceinline__ float sigmoid_2u(float x) {
  float twice_u = x * fmaf(x * x, CUBIC * TWO_SQRT_2_OVER_PI, TWO_SQRT_2_OVER_PI);
  return 1.0f / (exp_poly(-twice_u) + 1.0f);
}

__device__ __forceinline__ float gelu(float x) {
  return x * sigmoid_2u(x);
}

__device__ __forceinline__ float gelu_slope(float x) {
  float s = sigmoid_2u(x);
  float slope = fmaf(x * x, 3.0f * CUBIC * TWO_SQRT_2_OVER_PI, TWO_SQRT_2_OVER_PI);
  return fmaf(x, (s - s * s) * slope, s);
}

KERNEL(256) gelu_forward_v1(real* out, const real* in, long long n) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    out[i] = rounded<real>(gelu(to_float(in[i])));
  }
}

KERNEL(256)
gelu_forward_v2(real* out, const real* in, long long n, float* largest) {
  float max = 0.0f;
  long long i = ((long long)blockIdx.x * blockDim.x + threadIdx.x) * PACK;
  if (i + PACK <= n) {
    Pack<real> x = load_pack(in + i);
    UNROLL for (int k = 0; k < PACK; k++) {
      x.set(k, gelu(x.get(k)));
    }
    if (largest) {
      max = larger_of(max, x);
    }
    store_pack(out + i, x);
  } else {
    for (; i < n; i++) {
      out[i] = rounded<real>(gelu(to_float(in[i])));
      max = larger(max, size_of(out[i]));
    }
  }
  store_largest(largest, max);
}

KERNEL(256) gelu_backward_v1(real* d_in, const real* d_out, const real* in, long long n) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    d_in[i] = rounded<real>(gelu_slope(to_float(in[i])) * to_float(d_out[i]));
  }
}

KERNEL(256)
gelu_backward_v2(real* d_in, const real* d_out, const real* in, long long n, float* largest) {
  float max = 0.0f;
  long long i = ((long long)blockIdx.x * blockDim.x + threadIdx.x) * PACK;
  if (i + PACK <= n) {
    Pack<real> x = load_pack_once(in + i);
    Pack<real> d = load_pack_once(d_out + i);
    UNROLL for (int k = 0; k < PACK; k++) {
      d.set(k, gelu_slope(x.get(k)) * d.get(k));
    }
    if (largest) {
      max = larger_of(max, d);
    }
    store_pack(d_in + i, d);
  } else {
    for (; i < n; i++) {
      d_in[i] = rounded<real>(gelu_slope(to_float(in[i])) * to_float(d_out[i]));
      max = larger(max, size_of(d_in[i]));
    }
  }
  store_largest(largest, max);
}
