// What the hardware converts in one instruction, on AMD: v_exp_f32 everywhere, pairs of bf16 from gfx950
// on, pairs of 8 bits where a GPU has their formats. Stands in place of that module's file of the same
// name, and says as it does what each function gives.
#ifndef ANNEAL_HARDWARE_CUH
#define ANNEAL_HARDWARE_CUH

#include "fp8.cuh"

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
__device__ __forceinline__ float larger_number(float a, float b) {
  return __builtin_fmaxf(a, b);
}

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

// ---- 8 bits ----

// The two formats that the hardware converts to, by fp8.cuh's numbers: FNUZ's on gfx942, NVIDIA's on
// gfx950 and gfx12. Elsewhere, where nobody asks, they are NVIDIA's in software.
#if defined(__gfx942__)
static constexpr int FIRST_EIGHT = E4M3_FNUZ;
static constexpr int SECOND_EIGHT = E5M2_FNUZ;
static constexpr float LARGEST_FIRST = 240.0f;
#else
static constexpr int FIRST_EIGHT = E4M3;
static constexpr int SECOND_EIGHT = E5M2;
static constexpr float LARGEST_FIRST = 448.0f;
#endif
static constexpr float LARGEST_SECOND = 57344.0f;

// Two numbers in 8 bits, the first in the lower half: the nearest, ties to even, beyond the largest the
// largest. FORMAT is one of the two above. The instruction makes NaN of what is too large, so that is cut
// off before; a NaN passes.
template <int FORMAT>
__device__ __forceinline__ uint32 eights(float first, float second) {
#if !defined(ANNEAL_DOUBLE) && (defined(__gfx942__) || defined(__gfx950__) || defined(__GFX12__))
  constexpr float LARGEST = FORMAT == FIRST_EIGHT ? LARGEST_FIRST : LARGEST_SECOND;
  first = first > LARGEST ? LARGEST : first < -LARGEST ? -LARGEST : first;
  second = second > LARGEST ? LARGEST : second < -LARGEST ? -LARGEST : second;
  int bits = FORMAT == FIRST_EIGHT ? __builtin_amdgcn_cvt_pk_fp8_f32(first, second, 0, false)
                                   : __builtin_amdgcn_cvt_pk_bf8_f32(first, second, 0, false);
  return (uint32)bits & 0xffffu;
#else
  return (uint32)eight_of(first, FORMAT) | (uint32)eight_of(second, FORMAT) << 8;
#endif
}

// Four of the eight bytes of a and b, a's from 0 on and b's from 4 on, the first lowest.
template <int I0, int I1, int I2, int I3>
__device__ __forceinline__ uint32 bytes_of(uint32 a, uint32 b) {
#ifdef ANNEAL_DOUBLE
  uint64 all = (uint64)b << 32 | a;
  return (uint32)((all >> 8 * I0 & 0xff) | (all >> 8 * I1 & 0xff) << 8 |
                  (all >> 8 * I2 & 0xff) << 16 | (all >> 8 * I3 & 0xff) << 24);
#else
  return __builtin_amdgcn_perm(b, a, I0 | I1 << 8 | I2 << 16 | I3 << 24);
#endif
}

#endif
