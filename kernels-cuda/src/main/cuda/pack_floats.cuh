// 128-bit packs as floats and back, by the hardware's conversions: two numbers per instruction.
#ifndef ANNEAL_PACK_FLOATS_CUH
#define ANNEAL_PACK_FLOATS_CUH

#include "hardware.cuh"

// A pack's numbers.
__device__ __forceinline__ void to_floats(float (&x)[4], const Pack<float>& pack) {
  UNROLL for (int k = 0; k < 4; k++) {
    x[k] = pack.v[k];
  }
}

__device__ __forceinline__ void to_floats(float (&x)[8], const Pack<bf16>& pack) {
  uint4 bits = packed(pack);
  uint32 words[4] = {bits.x, bits.y, bits.z, bits.w};
  UNROLL for (int k = 0; k < 4; k++) {
    x[2 * k] = __uint_as_float(words[k] << 16);
    x[2 * k + 1] = __uint_as_float(words[k] & 0xffff0000u);
  }
}

// The pack of some numbers, rounded.
__device__ __forceinline__ Pack<float> pack_of(const float (&x)[4]) {
  Pack<float> pack;
  UNROLL for (int k = 0; k < 4; k++) {
    pack.v[k] = x[k];
  }
  return pack;
}

__device__ __forceinline__ Pack<bf16> pack_of(const float (&x)[8]) {
  return unpacked<bf16>(
      make_uint4(pair(x[0], x[1]), pair(x[2], x[3]), pair(x[4], x[5]), pair(x[6], x[7])));
}

#endif
