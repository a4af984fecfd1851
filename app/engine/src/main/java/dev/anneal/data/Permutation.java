package dev.anneal.data;

import dev.anneal.random.Philox;
import dev.anneal.random.Philox.Purpose;

/**
 * A shuffle of [0, n) as a function: an index goes to its place without an array, so that there is
 * nothing to save and nothing to skip when a run resumes.
 *
 * <p>A balanced Feistel network with Philox as its round function permutes the next power of four;
 * an image outside [0, n) is permuted again until it is inside, which keeps it a permutation.
 *
 * <p>Source: Black, Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002.
 */
final class Permutation {
  private static final int ROUNDS = 6;

  private Permutation() {}

  /** Where the shuffle of {@code epoch} sends {@code index}, both in [0, n). */
  static long of(long seed, int epoch, long n, long index) {
    int half = Math.max(1, Math.ceilDiv(Long.SIZE - Long.numberOfLeadingZeros(n - 1), 2));
    long place = index;
    do {
      place = feistel(seed, epoch, half, place);
    } while (place >= n);
    return place;
  }

  private static long feistel(long seed, int epoch, int half, long value) {
    long mask = (1L << half) - 1;
    long left = value >>> half;
    long right = value & mask;
    for (int round = 0; round < ROUNDS; round++) {
      long mixed = left ^ Philox.bits(seed, Purpose.DATA_ORDER, epoch, right, round) & mask;
      left = right;
      right = mixed;
    }
    return left << half | right;
  }
}
