// What AdamW does to one element, whatever the parameter is stored in: adamw.cu, adamw_rounded.cu.
#ifndef ANNEAL_ADAMW_CUH
#define ANNEAL_ADAMW_CUH
#include "device.cuh"

// What all elements share.
struct Step {
  float scale, lr, c1, c2, keep;
};

__device__ __forceinline__ bool begin_step(Step& step, const float* norm, const float* schedule,
                                           float weight_decay, float max_norm) {
  float n = norm[0];
  if (!(n - n == 0.0f)) {
    return false;
  }
  step.scale = n > max_norm ? max_norm / n : 1.0f;
  step.lr = schedule[0];
  step.c1 = 1.0f / schedule[1];
  step.c2 = 1.0f / schedule[2];
  step.keep = 1.0f - step.lr * weight_decay;
  return true;
}

__device__ __forceinline__ void adamw(float& p, float& m, float& v, float gradient,
                                      const Step& step, float beta1, float beta2, float epsilon) {
  float g = gradient * step.scale;
  m = fmaf(m, beta1, g * (1.0f - beta1));
  v = fmaf(v, beta2, g * g * (1.0f - beta2));
  float root = sqrtf(v * step.c2) + epsilon;
  p = fmaf(m * step.c1 / root, -step.lr, p * step.keep);
}

#endif
