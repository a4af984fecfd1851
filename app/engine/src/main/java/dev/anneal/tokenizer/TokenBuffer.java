package dev.anneal.tokenizer;

import java.util.Arrays;

/** Tokens in a row, as many as come. */
final class TokenBuffer {
  private int[] tokens;
  private int length;

  TokenBuffer(int expected) {
    tokens = new int[Math.max(16, expected)];
  }

  int length() {
    return length;
  }

  int get(int i) {
    return tokens[i];
  }

  void add(int token) {
    if (length == tokens.length) {
      grow(length + 1);
    }
    tokens[length++] = token;
  }

  void add(int[] from, int offset, int count) {
    if (length + count > tokens.length) {
      grow(length + count);
    }
    System.arraycopy(from, offset, tokens, length, count);
    length += count;
  }

  void add(TokenBuffer other) {
    add(other.tokens, 0, other.length);
  }

  /** Forgets all beyond the first {@code newLength}. */
  void cut(int newLength) {
    length = newLength;
  }

  int[] toArray() {
    return Arrays.copyOf(tokens, length);
  }

  private void grow(int needed) {
    long wanted = Math.max(needed, tokens.length + (tokens.length >> 1) + 16L);
    tokens = Arrays.copyOf(tokens, (int) Math.min(wanted, Integer.MAX_VALUE - 8));
  }
}
