package dev.anneal.tokenizer;

import java.util.Arrays;

/** Which two tokens become which, and which of two pairs goes first. */
final class Merges {
  /** Of {@link #find}: these two stay two. */
  static final long NONE = Long.MAX_VALUE;

  private static final long EMPTY = -1;

  private final int[] lefts;
  private final int[] rights;
  private final long[] keys;
  private final long[] values;
  private final int mask;

  /**
   * Merges, the first to be done first.
   *
   * @param lefts and {@code rights}: what is merged
   * @param results what it becomes
   */
  Merges(int[] lefts, int[] rights, int[] results) {
    this.lefts = lefts;
    this.rights = rights;
    this.mask = Integer.highestOneBit(Math.max(8, lefts.length)) * 4 - 1;
    this.keys = new long[mask + 1];
    this.values = new long[mask + 1];
    Arrays.fill(keys, EMPTY);
    for (int rank = 0; rank < lefts.length; rank++) {
      long key = key(lefts[rank], rights[rank]);
      int slot = slot(key);
      keys[slot] = key;
      values[slot] = (long) rank << 32 | results[rank];
    }
  }

  int size() {
    return lefts.length;
  }

  int left(int rank) {
    return lefts[rank];
  }

  int right(int rank) {
    return rights[rank];
  }

  /**
   * The rank of a pair, 0 for the first, in the upper half, and what it becomes in the lower;
   * {@link #NONE}, which is higher than all, if nothing.
   */
  long find(int left, int right) {
    long key = key(left, right);
    int slot = slot(key);
    return keys[slot] == key ? values[slot] : NONE;
  }

  static int result(long found) {
    return (int) found;
  }

  private static long key(int left, int right) {
    return (long) left << 32 | right;
  }

  private int slot(long key) {
    long mixed = key * 0x9E3779B97F4A7C15L;
    int slot = (int) (mixed >>> 32 ^ mixed >>> 50) & mask;
    while (keys[slot] != key && keys[slot] != EMPTY) {
      slot = slot + 1 & mask;
    }
    return slot;
  }
}
