// Add: out = a + b, element by element: the residual stream, and gradients that meet.
//
// Traffic: two reads and one write per element; out may be a or b.
//
// v1  one element per thread
// v2  one 128-bit pack per thread
#include "device.cuh"

KERNEL(256) add_v1(real* out, const real* a, const real* b, long long n) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    out[i] = rounded<real>(to_float(a[i]) + to_float(b[i]));
  }
}

KERNEL(256) add_v2(real* out, const real* a, const real* b, long long n) {
  long long i = ((long long)blockIdx.x * blockDim.x + threadIdx.x) * PACK;
  if (i + PACK <= n) {
    Pack<real> x = load_pack_once(a + i);
    Pack<real> y = load_pack_once(b + i);
    Pack<real> sum;
    UNROLL for (int k = 0; k < PACK; k++) {
      sum.set(k, x.get(k) + y.get(k));
    }
    store_pack(out + i, sum);
  } else {
    for (; i < n; i++) {
      out[i] = rounded<real>(to_float(a[i]) + to_float(b[i]));
    }
  }
}
