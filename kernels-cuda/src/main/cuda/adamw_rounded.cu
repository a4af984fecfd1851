// AdamW, as adamw.cu has it, on a parameter that is bf16 itself, without an fp32 master. Most updates are
// smaller than half the distance of two such numbers, and rounding to nearest would lose them; so
// rounding is stochastic: on average it adds nothing. The random bits are a function of seed, step,
// parameter and element; four neighbours share one draw. random holds the seed's halves and the step.
//
// Traffic: four reads and three writes per element, of which those of the parameter have 2 bytes.
//
// v1  one element per thread, one launch per parameter
// v2  four elements per thread: one draw, one 128-bit pack of floats, 64 bits of the parameter
// v3  one launch for all parameters, found in a table by their first block
#include "adamw.cuh"
#include "philox.cuh"

__device__ __forceinline__ uint64 draw(const uint32* random, int stream, long long i) {
  return philox(random[0], random[1], STOCHASTIC_ROUNDING, stream, (uint64)i / 4, random[2]);
}

KERNEL(256)
adamw_rounded_v1(bf16* parameter, float* ms, float* vs, const float* gradient, const float* norm,
                 const float* schedule, const uint32* random, int stream, long long n, float beta1,
                 float beta2, float epsilon, float weight_decay, float max_norm) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  Step step;
  if (i >= n || !begin_step(step, norm, schedule, weight_decay, max_norm)) {
    return;
  }
  float p = to_float(parameter[i]);
  adamw(p, ms[i], vs[i], gradient[i], step, beta1, beta2, epsilon);
  uint64 bits = draw(random, stream, i);
  parameter[i] = rounded_stochastically(p, (uint32)(bits >> 16 * (i % 4)) & 0xffffu);
}

// Elements [i, i + 4) of those below n.
__device__ __forceinline__ void adamw_pack(bf16* parameter, float* ms, float* vs,
                                           const float* gradient, const uint32* random, int stream,
                                           long long i, long long n, const Step& step, float beta1,
                                           float beta2, float epsilon) {
  if (i >= n) {
    return;
  }
  bool whole = i + 4 <= n;
  int count = whole ? 4 : (int)(n - i);
  float4 four = load_four(parameter + i, count, whole);
  float p[4] = {four.x, four.y, four.z, four.w};
  Pack<float> m = whole ? load_pack_once(ms + i) : load_some(ms + i, count, false);
  Pack<float> v = whole ? load_pack_once(vs + i) : load_some(vs + i, count, false);
  Pack<float> g = whole ? load_pack_once(gradient + i) : load_some(gradient + i, count, false);
  uint64 bits = draw(random, stream, i);
  uint32 to[4];
  UNROLL for (int k = 0; k < 4; k++) {
    adamw(p[k], m.v[k], v.v[k], g.v[k], step, beta1, beta2, epsilon);
    to[k] = rounded_stochastically(p[k], (uint32)(bits >> 16 * k) & 0xffffu).bits;
  }
  if (whole) {
    *reinterpret_cast<uint2*>(parameter + i) = make_uint2(to[0] | to[1] << 16, to[2] | to[3] << 16);
  } else {
    UNROLL for (int k = 0; k < 4; k++) {
      if (k < count) {
        parameter[i + k].bits = (uint16)to[k];
      }
    }
  }
  store_some(ms + i, m, count, whole);
  store_some(vs + i, v, count, whole);
}

KERNEL(256)
adamw_rounded_v2(bf16* parameter, float* ms, float* vs, const float* gradient, const float* norm,
                 const float* schedule, const uint32* random, int stream, long long n, float beta1,
                 float beta2, float epsilon, float weight_decay, float max_norm) {
  Step step;
  if (begin_step(step, norm, schedule, weight_decay, max_norm)) {
    long long i = ((long long)blockIdx.x * blockDim.x + threadIdx.x) * 4;
    adamw_pack(parameter, ms, vs, gradient, random, stream, i, n, step, beta1, beta2, epsilon);
  }
}

// One parameter of the table.
struct Parameter {
  bf16* parameter;
  float* m;
  float* v;
  const float* gradient;
  long long stream;
  long long n;
  int first_block;
  float weight_decay;
};

KERNEL(256)
adamw_rounded_v3(const Parameter* parameters, int number, const float* norm, const float* schedule,
                 const uint32* random, float beta1, float beta2, float epsilon, float max_norm) {
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
    adamw_pack(p.parameter, p.m, p.v, p.gradient, random, (int)p.stream, i, p.n, step, beta1, beta2,
               epsilon);
  }
}
