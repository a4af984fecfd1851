// Fill: out = value. MeanBackward: dIn = dOut / n in each of its n elements.
//
// Traffic: one write per element; neither is ever large.
//
// v1  one element per thread
#include "device.cuh"

KERNEL(256) fill_v1(real* out, float value, long long n) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    out[i] = rounded<real>(value);
  }
}

// Losses and their gradients are floats in every number format.
KERNEL(256) fill_float_v1(float* out, float value, long long n) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    out[i] = value;
  }
}

KERNEL(256) mean_backward_v1(float* d_in, const float* d_out, long long n) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    d_in[i] = d_out[0] / (float)n;
  }
}
