// What the hardware converts in one instruction, on AMD: v_exp_f32 everywhere, pairs of bf16 from gfx950
// on, pairs of 8 bits where a GPU has their formats. Stands in place of that module's file of the same
// name, and says as it does what each function gives.
#ifndef ANNEAL_HARDWARE_CUH
#define ANNEAL_HARDWARE_CUH

#include "device.cuh"

#ifndef __has_builtin
#define __has_builtin(x) 0
#endif

// 2^x to 2 units in the last place; 0 below -126.
__device__ __forceinline__ float fast_exp2(float x) {
#if defined(ANNEAL_DOUBLE)
  return x < -126.0f ? 0.0f : exp2f(x);
#elif __has_builtin(__builtin_amdgcn_exp2f)
  return __builtin_amdgcn_exp2f(x);
#else
  return __builtin_exp2f(x);
#endif
}

// The larger of two; the other one when one is NaN.
__device__ __forceinline__ float larger_number(float a, float b) { return __builtin_fmaxf(a, b); }

// Two numbers, the first in the lower half, rounded to nearest, ties to even.
__device__ __forceinline__ uint32 pair(float first, float second) {
#if !defined(ANNEAL_DOUBLE) && defined(__gfx950__)
  uint32 bits;
  asm("v_cvt_pk_bf16_f32 %0, %1, %2" : "=v"(bits) : "v"(first), "v"(second));
  return bits;
#else
  return (uint32)rounded<bf16>(first).bits | (uint32)rounded<bf16>(second).bits << 16;
#endif
}

#endif
