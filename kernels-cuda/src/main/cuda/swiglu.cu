// SwiGluForward: out = silu(gate) * up with silu(x) = x * sigmoid(x); a row of in has F gates and then
// F ups, a row of out has F.
// SwiGluBackward: with s = sigmoid(gate), d gate = dOut * up * s (1 + gate (1 - s)), d up = dOut * gate * s,
// side by side as in in.
//
// Traffic: forward two reads and one write per element of out, backward three reads and two writes. One
// exponential and one division each.
//
// v1  one element of out per thread
// v2  one 128-bit pack of it per thread; element by element where F is not whole packs. Same bits.
#include "device.cuh"

__device__ __forceinline__ float sigmoid(float x) {
  return 1.0f / (exp_poly(-x) + 1.0f);
}

__device__ __forceinline__ float swiglu(float gate, float up) {
  return gate * sigmoid(gate) * up;
}

// d becomes what d gate is; returns d up. silu' = s (1 + gate (1 - s)) = silu - silu s + s.
__device__ __forceinline__ float swiglu_slopes(float gate, float up, float& d) {
  float s = sigmoid(gate);
  float silu = gate * s;
  float d_up = d * silu;
  d = d * up * (silu - silu * s + s);
  return d_up;
}

KERNEL(256) swiglu_forward_v1(real* out, const real* in, int rows, int f) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  long long row = i / f;
  if (row >= rows) {
    return;
  }
  // Row 0 of in begins where row 0 of out does, row 1 another F later, and so on.
  const real* gate = in + i + row * f;
  out[i] = rounded<real>(swiglu(to_float(gate[0]), to_float(gate[f])));
}

// blockIdx.x: row, blockIdx.y: which 128 packs of it.
KERNEL(128) swiglu_forward_v2(real* out, const real* in, int rows, int f) {
  long long row = blockIdx.x;
  int i = (blockIdx.y * blockDim.x + threadIdx.x) * PACK;
  if (i >= f) {
    return;
  }
  int count = lesser(PACK, f - i);
  bool aligned = f % PACK == 0;
  const real* from = in + row * 2 * f + i;
  Pack<real> gate = load_some(from, count, aligned);
  Pack<real> up = load_some(from + f, count, aligned);
  UNROLL for (int k = 0; k < PACK; k++) {
    gate.set(k, swiglu(gate.get(k), up.get(k)));
  }
  store_some(out + row * f + i, gate, count, aligned);
}

KERNEL(256) swiglu_backward_v1(real* d_in, const real* d_out, const real* in, int rows, int f) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  long long row = i / f;
  if (row >= rows) {
    return;
  }
  long long at = i + row * f;
  float d = to_float(d_out[i]);
  float d_up = swiglu_slopes(to_float(in[at]), to_float(in[at + f]), d);
  d_in[at] = rounded<real>(d);
  d_in[at + f] = rounded<real>(d_up);
}

// blockIdx.x: row, blockIdx.y: which 128 packs of it.
KERNEL(128) swiglu_backward_v2(real* d_in, const real* d_out, const real* in, int rows, int f) {
  long long row = blockIdx.x;
  int i = (blockIdx.y * blockDim.x + threadIdx.x) * PACK;
  if (i >= f) {
    return;
  }
  int count = lesser(PACK, f - i);
  bool aligned = f % PACK == 0;
  long long at = row * 2 * f + i;
  Pack<real> gate = load_some(in + at, count, aligned);
  Pack<real> up = load_some(in + at + f, count, aligned);
  Pack<real> d = load_some(d_out + row * f + i, count, aligned);
  UNROLL for (int k = 0; k < PACK; k++) {
    float d_gate = d.get(k);
    up.set(k, swiglu_slopes(gate.get(k), up.get(k), d_gate));
    gate.set(k, d_gate);
  }
  store_some(d_in + at, gate, count, aligned);
  store_some(d_in + at + f, up, count, aligned);
}
