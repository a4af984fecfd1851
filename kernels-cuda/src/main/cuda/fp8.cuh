// The formats of 8 bits, converted in software, so that a kernel gives the same bits on every GPU and
// on the CPU: E4M3 (3 bits of fraction, up to 448, no infinities) and E5M2 (2 bits, up to 57344);
// and FNUZ's, whose bias is one more and whose only NaN has the code of -0: E4M3 up to 240, E5M2 as before.
// Sources: Micikevicius and others, "FP8 Formats for Deep Learning", 2022; Noune and others, "8-bit
// Numerical Formats for Deep Neural Networks", 2022.
#ifndef ANNEAL_FP8_CUH
#define ANNEAL_FP8_CUH
#include "device.cuh"

typedef unsigned char uint8;

// What elements are stored as, when a kernel takes any.
static constexpr int FLOATS = 0;
static constexpr int E4M3 = 1;
static constexpr int E5M2 = 2;
static constexpr int E4M3_FNUZ = 3;
static constexpr int E5M2_FNUZ = 4;

// FRACTION bits of fraction, and a bias of the exponent; LARGEST is the last finite number's bits. With
// FNUZ there is no -0.
template <int FRACTION, int BIAS, int LARGEST, bool FNUZ>
struct Eight {
  // The nearest, ties to even; beyond the largest the largest; NaN stays NaN.
  __device__ __forceinline__ static uint8 of(float x) {
    uint32 bits = __float_as_uint(x);
    uint32 sign = bits >> 24 & 0x80u;
    bits &= 0x7fffffffu;
    if (bits > 0x7f800000u) {
      return (uint8)(FNUZ ? 0x80u : sign | 0x7fu);
    }
    float size = __uint_as_float(bits);
    if (size >= to_float((uint8)LARGEST)) {
      return (uint8)(sign | LARGEST);
    }
    if (bits < (uint32)(128 - BIAS) << 23) {
      // Below the least normal number: a multiple of the least of all. Adding 1.5 * 2^23 rounds it to
      // an integer, which the low bits then hold.
      float steps = size * __uint_as_float((uint32)(127 + BIAS - 1 + FRACTION) << 23);
      uint32 rounded = __float_as_uint(steps + 12582912.0f) & 0xffu;
      return (uint8)(FNUZ && rounded == 0 ? 0u : sign | rounded);
    }
    constexpr int DROP = 23 - FRACTION;
    uint32 rounded = (bits + (1u << (DROP - 1)) - 1u + (bits >> DROP & 1u)) >> DROP;
    return (uint8)(sign | (rounded - ((127u - BIAS) << FRACTION)));
  }

  __device__ __forceinline__ static float to_float(uint8 eight) {
    uint32 size = eight & 0x7fu;
    uint32 sign = (uint32)(eight & 0x80u) << 24;
    if (FNUZ ? eight == 0x80u : size > LARGEST) {
      return BIAS == 15 && size == LARGEST + 1 ? __uint_as_float(sign | 0x7f800000u) : NAN_F;
    }
    if (size >> FRACTION == 0) {
      float least = __uint_as_float((uint32)(127 + 1 - BIAS - FRACTION) << 23);
      return __uint_as_float(sign | __float_as_uint((float)size * least));
    }
    return __uint_as_float(sign | ((size << (23 - FRACTION)) + ((127u - BIAS) << 23)));
  }
};

typedef Eight<3, 7, 0x7e, false> EightE4M3;
typedef Eight<2, 15, 0x7b, false> EightE5M2;
typedef Eight<3, 8, 0x7f, true> EightE4M3Fnuz;
typedef Eight<2, 16, 0x7f, true> EightE5M2Fnuz;

__device__ __forceinline__ uint8 eight_of(float x, int format) {
  return format == E4M3        ? EightE4M3::of(x)
         : format == E5M2      ? EightE5M2::of(x)
         : format == E4M3_FNUZ ? EightE4M3Fnuz::of(x)
                               : EightE5M2Fnuz::of(x);
}

__device__ __forceinline__ float load_any(const void* from, long long i, int format) {
  if (format == FLOATS) {
    return static_cast<const float*>(from)[i];
  }
  uint8 eight = static_cast<const uint8*>(from)[i];
  return format == E4M3        ? EightE4M3::to_float(eight)
         : format == E5M2      ? EightE5M2::to_float(eight)
         : format == E4M3_FNUZ ? EightE4M3Fnuz::to_float(eight)
                               : EightE5M2Fnuz::to_float(eight);
}

#endif
