// Philox4x32-10, random bits as a function of a key and a counter: the same bits as random.Philox has in
// Java. Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC11.
#ifndef ANNEAL_PHILOX_CUH
#define ANNEAL_PHILOX_CUH
#include "device.cuh"

// The place of STOCHASTIC_ROUNDING in random.Philox.Purpose.
static constexpr uint32 STOCHASTIC_ROUNDING = 3;

// Sixty-four random bits for one element of one stream.
__device__ __forceinline__ uint64 philox(uint32 seed_low, uint32 seed_high, uint32 purpose,
                                         uint32 stream, uint64 element, uint32 step) {
  uint32 c0 = (uint32)element;
  uint32 c1 = (uint32)(element >> 32) ^ purpose << 24;
  uint32 c2 = stream;
  uint32 c3 = step;
  UNROLL for (int round = 0; round < 10; round++) {
    uint64 p0 = (uint64)0xd2511f53u * c0;
    uint64 p1 = (uint64)0xcd9e8d57u * c2;
    uint32 n0 = (uint32)(p1 >> 32) ^ c1 ^ seed_low;
    uint32 n2 = (uint32)(p0 >> 32) ^ c3 ^ seed_high;
    c1 = (uint32)p1;
    c3 = (uint32)p0;
    c0 = n0;
    c2 = n2;
    seed_low += 0x9e3779b9u;
    seed_high += 0xbb67ae85u;
  }
  return (uint64)c0 << 32 | c1;
}

// One of the two around x, the nearer one more often; NaN stays NaN.
__device__ __forceinline__ bf16 rounded_stochastically(float x, uint32 sixteen_bits) {
  uint32 bits = __float_as_uint(x);
  if ((bits & 0x7f800000u) == 0x7f800000u) {
    return rounded<bf16>(x);
  }
  bf16 to;
  to.bits = (uint16)((bits + sixteen_bits) >> 16);
  return to;
}

#endif
