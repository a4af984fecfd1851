// AdamW, with g = gradient * min(1, maxNorm / norm): m = beta1 m + (1-beta1) g,
// v = beta2 v + (1-beta2) g^2, p -= lr ((m / c1) / (sqrt(v / c2) + epsilon) + weightDecay p); nothing
// changes when norm is not finite. schedule holds lr, c1, c2.
//
// All of these are floats in every number format. Where products read a copy of the parameter in this
// module's format, v3 writes that, too; for the other versions cast.cu does.
//
// Traffic: four reads and three writes per element; v3 one more write when there is a copy.
//
// v1  one element per thread, one launch per parameter
// v2  one 128-bit pack of floats per thread
// v3  one launch for all parameters, found in a table by their first block
#include "adamw.cuh"

KERNEL(256)
adamw_v1(float* parameter, float* ms, float* vs, const float* gradient, const float* norm,
         const float* schedule, long long n, float beta1, float beta2, float epsilon,
         float weight_decay, float max_norm) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  Step step;
  if (i >= n || !begin_step(step, norm, schedule, weight_decay, max_norm)) {
    return;
  }
  adamw(parameter[i], ms[i], vs[i], gradient[i], step, beta1, beta2, epsilon);
}

__device__ __forceinline__ void store_copy(float* to, const Pack<float>& p, int count, bool whole) {
  store_some(to, p, count, whole);
}

__device__ __forceinline__ void store_copy(bf16* to, const Pack<float>& p, int count, bool whole) {
  if (whole) {
    uint2 bits;
    bits.x = (uint32)rounded<bf16>(p.v[0]).bits | (uint32)rounded<bf16>(p.v[1]).bits << 16;
    bits.y = (uint32)rounded<bf16>(p.v[2]).bits | (uint32)rounded<bf16>(p.v[3]).bits << 16;
    *reinterpret_cast<uint2*>(to) = bits;
    return;
  }
  UNROLL for (int k = 0; k < 4; k++) {
    if (k < count) {
      to[k] = rounded<bf16>(p.v[k]);
    }
  }
}

// Elements [i, i + 4) of those below n; and their copy, unless that is null.
__device__ __forceinline__ void adamw_pack(float* parameter, float* ms, float* vs,
                                           const float* gradient, real* copy, long long i,
                                           long long n, const Step& step, float beta1, float beta2,
                                           float epsilon) {
  if (i >= n) {
    return;
  }
  bool whole = i + 4 <= n;
  int count = whole ? 4 : (int)(n - i);
  Pack<float> p = load_some(parameter + i, count, whole);
  Pack<float> m = whole ? load_pack_once(ms + i) : load_some(ms + i, count, false);
  Pack<float> v = whole ? load_pack_once(vs + i) : load_some(vs + i, count, false);
  Pack<float> g = whole ? load_pack_once(gradient + i) : load_some(gradient + i, count, false);
  UNROLL for (int k = 0; k < 4; k++) {
    adamw(p.v[k], m.v[k], v.v[k], g.v[k], step, beta1, beta2, epsilon);
  }
  store_some(parameter + i, p, count, whole);
  store_some(ms + i, m, count, whole);
  store_some(vs + i, v, count, whole);
  if (copy) {
    store_copy(copy + i, p, count, whole);
  }
}

KERNEL(256)
adamw_v2(float* parameter, float* ms, float* vs, const float* gradient, const float* norm,
         const float* schedule, long long n, float beta1, float beta2, float epsilon,
         float weight_decay, float max_norm) {
  Step step;
  if (begin_step(step, norm, schedule, weight_decay, max_norm)) {
    long long i = ((long long)blockIdx.x * blockDim.x + threadIdx.x) * 4;
    adamw_pack(parameter, ms, vs, gradient, nullptr, i, n, step, beta1, beta2, epsilon);
  }
}

// One parameter of the table.
struct Parameter {
  float* parameter;
  float* m;
  float* v;
  const float* gradient;
  real* copy;
  long long n;
  int first_block;
  float weight_decay;
};

KERNEL(256)
adamw_v3(const Parameter* parameters, int number, const float* norm, const float* schedule,
         float beta1, float beta2, float epsilon, float max_norm) {
  int low = 0;
  int high = number - 1;
  while (low < high) {
    int middle = (low + high + 1) / 2;
    if (parameters[middle].first_block <= (int)blockIdx.x) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  Parameter p = parameters[low];
  Step step;
  if (begin_step(step, norm, schedule, p.weight_decay, max_norm)) {
    long long i = ((long long)(blockIdx.x - p.first_block) * blockDim.x + threadIdx.x) * 4;
    adamw_pack(p.parameter, p.m, p.v, p.gradient, p.copy, i, p.n, step, beta1, beta2, epsilon);
  }
}
