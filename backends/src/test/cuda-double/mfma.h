// Two matrix instructions of CDNA 2 and 3, V_MFMA_F32_32X32X8BF16_1K and V_MFMA_F32_16X16X16BF16_1K:
// D (SIDE,SIDE) = A (SIDE,K) B (K,SIDE) + C, with 256 / SIDE inner indices K. Where a wave's lanes have
// the numbers is what AMD's Matrix Instruction Calculator says, whose tables (mfma-layouts.tsv) a test
// holds these functions to. Products are added in the order of the inner index; a GPU has an order of its
// own.
#pragma once

// Lane and number of its register; of 16 bits the lower half comes first.
struct MfmaPlace {
  int lane, number;
};

template <int SIDE>
struct Mfma {
  static constexpr int INNER = 256 / SIDE;

  static MfmaPlace a(int i, int k) { return {SIDE * (k / 4) + i, k % 4}; }
  static MfmaPlace b(int k, int j) { return {SIDE * (k / 4) + j, k % 4}; }
  static MfmaPlace d(int i, int j) {
    return SIDE == 32 ? MfmaPlace{32 * (i / 4) % 64 + j, 4 * (i / 8) + i % 4}
                      : MfmaPlace{16 * (i / 4) + j, i % 4};
  }
};

#ifdef ANNEAL_DOUBLE
// What the instruction leaves in a lane that brings these.
template <int SIDE, class Numbers, class Sums>
inline Sums mfma(Numbers own_a, Numbers own_b, Sums c, int lane, int line) {
  typedef Mfma<SIDE> Layout;
  Numbers own[2] = {own_a, own_b};
  const double_slot* of = static_cast<const double_slot*>(double_gather(own, sizeof own, line));
  auto number = [&](int operand, MfmaPlace at) {
    const uint16_t* bits = reinterpret_cast<const uint16_t*>(of[at.lane].bytes + 8 * operand);
    return double_bits<float>((uint32_t)bits[at.number] << 16);
  };
  int j = lane % SIDE;  // of all its numbers
  float column[Layout::INNER];
  for (int k = 0; k < Layout::INNER; k++) {
    column[k] = number(1, Layout::b(k, j));
  }
  for (int i = 0; i < SIDE; i++) {
    MfmaPlace at = Layout::d(i, j);
    if (at.lane == lane) {
      for (int k = 0; k < Layout::INNER; k++) {
        c[at.number] = fmaf(number(0, Layout::a(i, k)), column[k], c[at.number]);
      }
    }
  }
  return c;
}

#define __builtin_amdgcn_mfma_f32_32x32x8bf16_1k(a, b, c, cbsz, abid, blgp) \
  mfma<32>(a, b, c, double_lane(), __LINE__)
#define __builtin_amdgcn_mfma_f32_16x16x16bf16_1k(a, b, c, cbsz, abid, blgp) \
  mfma<16>(a, b, c, double_lane(), __LINE__)
#endif
