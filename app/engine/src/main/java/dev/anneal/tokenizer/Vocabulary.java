package dev.anneal.tokenizer;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/** Tokens as bytes, and their ids by their bytes. */
final class Vocabulary {
  private final byte[] bytes;
  private final BitSet searched;
  private final int[] starts;
  private final int[] slots;
  private final int mask;
  private final int longest;

  /**
   * Tokens by their ids.
   *
   * @param searched which of them are found by their bytes; the others are only spelled
   */
  Vocabulary(List<byte[]> tokens, BitSet searched) {
    this.searched = (BitSet) searched.clone();
    this.starts = new int[tokens.size() + 1];
    for (int id = 0; id < tokens.size(); id++) {
      starts[id + 1] = Math.addExact(starts[id], tokens.get(id).length);
    }
    this.bytes = new byte[starts[tokens.size()]];
    this.mask = Integer.highestOneBit(Math.max(8, searched.cardinality())) * 4 - 1;
    this.slots = new int[mask + 1];
    Arrays.fill(slots, -1);
    int most = 0;
    for (int id = 0; id < tokens.size(); id++) {
      byte[] token = tokens.get(id);
      System.arraycopy(token, 0, bytes, starts[id], token.length);
      if (searched.get(id)) {
        most = Math.max(most, token.length);
        int slot = hash(token, 0, token.length) & mask;
        while (slots[slot] >= 0) {
          slot = slot + 1 & mask;
        }
        slots[slot] = id;
      }
    }
    this.longest = most;
  }

  int size() {
    return starts.length - 1;
  }

  /** Bytes of the longest token that {@link #find} finds. */
  int longest() {
    return longest;
  }

  boolean isSearched(int id) {
    return searched.get(id);
  }

  int length(int id) {
    return starts[id + 1] - starts[id];
  }

  byte[] bytes(int id) {
    return Arrays.copyOfRange(bytes, starts[id], starts[id + 1]);
  }

  /** Writes the bytes of a token to {@code into}; returns the place behind them. */
  int copy(int id, byte[] into, int at) {
    System.arraycopy(bytes, starts[id], into, at, length(id));
    return at + length(id);
  }

  /** The token of these bytes, -1 if there is none. */
  int find(byte[] text, int from, int to) {
    if (to - from > longest) {
      return -1;
    }
    int slot = hash(text, from, to) & mask;
    for (int id = slots[slot]; id >= 0; id = slots[slot]) {
      if (Arrays.equals(bytes, starts[id], starts[id + 1], text, from, to)) {
        return id;
      }
      slot = slot + 1 & mask;
    }
    return -1;
  }

  private static int hash(byte[] text, int from, int to) {
    long hash = 0xCBF29CE484222325L;
    for (int i = from; i < to; i++) {
      hash = (hash ^ text[i] & 0xFF) * 0x100000001B3L;
    }
    return (int) (hash ^ hash >>> 32);
  }
}
