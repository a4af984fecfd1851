// Cast: out = in, rounded to this module's format: the copy of a parameter that products read.
//
// Traffic: one read of a float and one write per element. After AdamW its version 3 writes the copy, and
// this kernel is for parameters that the host has written.
//
// v1  one element per thread
// v2  one 128-bit pack of results per thread
#include "device.cuh"

KERNEL(256) cast_v1(real* out, const float* in, long long n) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    out[i] = rounded<real>(in[i]);
  }
}

KERNEL(256) cast_v2(real* out, const float* in, long long n) {
  long long i = ((long long)blockIdx.x * blockDim.x + threadIdx.x) * PACK;
  if (i + PACK <= n) {
    Pack<real> x;
    UNROLL for (int k = 0; k < PACK; k += 4) {
      Pack<float> four = load_pack_once(in + i + k);
      UNROLL for (int j = 0; j < 4; j++) {
        x.set(k + j, four.v[j]);
      }
    }
    store_pack(out + i, x);
  } else {
    for (; i < n; i++) {
      out[i] = rounded<real>(in[i]);
    }
  }
}
