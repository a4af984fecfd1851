// What the hardware converts in one instruction: 2^x, and pairs of floats to 16 and 8 bits. NVIDIA's
// instructions; kernels-hip has AMD's under the same names. Rounding to 16 and 8 bits gives software's
// bits (device.cuh, fp8.cuh), but for the sign and the payload of a NaN; 2^x does not give exp_poly's.
//
// Under ANNEAL_DOUBLE, and where an architecture lacks an instruction, software does the same.
#ifndef ANNEAL_HARDWARE_CUH
#define ANNEAL_HARDWARE_CUH

#include "device.cuh"

// 2^x to 2 units in the last place; 0 below -126.
__device__ __forceinline__ float fast_exp2(float x) {
#ifdef ANNEAL_DOUBLE
  return x < -126.0f ? 0.0f : exp2f(x);
#else
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

// The larger of two; the other one when one is NaN.
__device__ __forceinline__ float larger_number(float a, float b) {
#ifdef ANNEAL_DOUBLE
  return fmaxf(a, b);
#else
  float y;
  asm("max.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b));
  return y;
#endif
}

// Two numbers, the first in the lower half, rounded to nearest, ties to even.
__device__ __forceinline__ uint32 pair(float first, float second) {
#ifdef ANNEAL_DOUBLE
  return (uint32)rounded<bf16>(first).bits | (uint32)rounded<bf16>(second).bits << 16;
#else
  uint32 bits;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(second), "f"(first));
  return bits;
#endif
}

#endif
