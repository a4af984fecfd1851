package dev.anneal.tokenizer;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Encodes pieces, for one thread at a time. What short pieces become is remembered, since most of a
 * text is the same words; a piece without end is left to {@link LongPiece}.
 */
final class PieceEncoder {
  /** Bytes up to which all pairs are looked at for every merge, which is faster for few. */
  private static final int SHORT = 96;

  private static final int SLOTS = 1 << 15;
  private static final int LONGEST_KEPT = 15;
  private static final int TOKENS_KEPT = 7;
  private static final int STRIDE = 1 + TOKENS_KEPT;
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private final BytePairs pairs;
  private final Vocabulary vocabulary;
  private final Merges merges;
  private final LongPiece longPiece;

  private final int[] ids = new int[SHORT];
  private final long[] found = new long[SHORT];

  /** Bytes of the pieces that are remembered, their length in the last; 0 for none. */
  private final long[] kept = new long[2 * SLOTS];

  /** How many tokens, and which. */
  private final int[] values = new int[STRIDE * SLOTS];

  PieceEncoder(BytePairs pairs) {
    this.pairs = pairs;
    this.vocabulary = pairs.vocabulary();
    this.merges = pairs.merges();
    this.longPiece = new LongPiece(pairs);
  }

  void encode(byte[] text, int from, int to, TokenBuffer tokens) {
    int length = to - from;
    if (length == 1) {
      tokens.add(pairs.byteTokens()[text[from] & 0xFF]);
    } else if (length <= LONGEST_KEPT) {
      remembered(text, from, length, tokens);
    } else {
      merged(text, from, to, tokens);
    }
  }

  private void remembered(byte[] text, int from, int length, TokenBuffer tokens) {
    long low = part(text, from, Math.min(8, length));
    long high = (length > 8 ? part(text, from + 8, length - 8) : 0) | (long) length << 56;
    long mixed = (low ^ Long.rotateLeft(high, 31) * 0x9E3779B97F4A7C15L) * 0xBF58476D1CE4E5B9L;
    int slot = (int) (mixed >>> 40) & SLOTS - 1;
    int value = slot * STRIDE;
    if (kept[2 * slot] == low && kept[2 * slot + 1] == high) {
      tokens.add(values, value + 1, values[value]);
      return;
    }
    int before = tokens.length();
    merged(text, from, from + length, tokens);
    int count = tokens.length() - before;
    if (count <= TOKENS_KEPT) {
      kept[2 * slot] = low;
      kept[2 * slot + 1] = high;
      values[value] = count;
      for (int i = 0; i < count; i++) {
        values[value + 1 + i] = tokens.get(before + i);
      }
    }
  }

  /** Up to eight bytes as a number. */
  private static long part(byte[] text, int from, int length) {
    if (from + 8 <= text.length) {
      return (long) LONGS.get(text, from) & -1L >>> 64 - 8 * length;
    }
    long part = 0;
    for (int i = 0; i < length; i++) {
      part |= (text[from + i] & 0xFFL) << 8 * i;
    }
    return part;
  }

  private void merged(byte[] text, int from, int to, TokenBuffer tokens) {
    if (pairs.wholePieces()) {
      int whole = vocabulary.find(text, from, to);
      if (whole >= 0) {
        tokens.add(whole);
        return;
      }
    }
    if (to - from > SHORT) {
      longPiece.encode(text, from, to, tokens);
      return;
    }
    int n = to - from;
    for (int i = 0; i < n; i++) {
      ids[i] = pairs.byteTokens()[text[from + i] & 0xFF];
    }
    tokens.add(ids, 0, merge(n));
  }

  /** Merges the first {@code n} of {@link #ids}: the lowest rank first, the leftmost of equals. */
  private int merge(int n) {
    for (int i = 0; i + 1 < n; i++) {
      found[i] = merges.find(ids[i], ids[i + 1]);
    }
    int length = n;
    while (length > 1) {
      int best = 0;
      for (int i = 1; i + 1 < length; i++) {
        if (found[i] < found[best]) {
          best = i;
        }
      }
      if (found[best] == Merges.NONE) {
        break;
      }
      ids[best] = Merges.result(found[best]);
      System.arraycopy(ids, best + 2, ids, best + 1, length - best - 2);
      System.arraycopy(found, best + 1, found, best, length - best - 2);
      length--;
      if (best > 0) {
        found[best - 1] = merges.find(ids[best - 1], ids[best]);
      }
      if (best + 1 < length) {
        found[best] = merges.find(ids[best], ids[best + 1]);
      }
    }
    return length;
  }
}
