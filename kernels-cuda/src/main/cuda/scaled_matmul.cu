// ScaledMatmul: out (m,n) (+)= aScale bScale a (m,k) b (n,k)ᵀ + bias (n), for operands of 8 bits.
//
// Only where cuBLASLt is not: the conversion in software is most of its time. Operands may be floats, to
// compare.
//
// v1  one thread per element of out; a block's 16 x 16 share what the caches keep
#include "fp8.cuh"

KERNEL(256)
scaled_matmul_v1(real* out, const void* a, const void* b, const float* a_scale,
                 const float* b_scale, const real* bias, int m, int n, int k, int a_format,
                 int b_format, int accumulate) {
  int j = blockIdx.x * 16 + threadIdx.x % 16;
  int i = blockIdx.y * 16 + threadIdx.x / 16;
  if (i >= m || j >= n) {
    return;
  }
  float sum = 0.0f;
  for (int l = 0; l < k; l++) {
    sum = fmaf(load_any(a, (long long)i * k + l, a_format),
               load_any(b, (long long)j * k + l, b_format), sum);
  }
  sum *= a_scale[0] * b_scale[0];
  if (bias) {
    sum += to_float(bias[j]);
  }
  real* to = out + (long long)i * n + j;
  if (accumulate) {
    sum += to_float(*to);
  }
  *to = rounded<real>(sum);
}
