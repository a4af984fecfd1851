package dev.anneal.data;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;

/** A growing array of token ids, which takes one byte each for bytes and two for GPT-2's. */
final class PackedTokens implements TokenSink {
  private final int width;
  private byte[] bytes;
  private int length;

  PackedTokens(int vocabulary) {
    this.width = width(vocabulary);
    this.bytes = new byte[1 << 12];
  }

  /** Bytes of an id below {@code vocabulary}. */
  static int width(int vocabulary) {
    return vocabulary <= 1 << 8 ? 1 : vocabulary <= 1 << 16 ? 2 : 4;
  }

  static void put(ByteBuffer into, int width, int token) {
    switch (width) {
      case 1 -> into.put((byte) token);
      case 2 -> into.putShort((short) token);
      default -> into.putInt(token);
    }
  }

  static int get(ByteBuffer from, int width) {
    return switch (width) {
      case 1 -> Byte.toUnsignedInt(from.get());
      case 2 -> Short.toUnsignedInt(from.getShort());
      default -> from.getInt();
    };
  }

  int length() {
    return length;
  }

  int width() {
    return width;
  }

  /** Appends; throws {@link OutOfMemoryError} beyond what an array can hold. */
  @Override
  public void add(int... tokens) {
    long needed = ((long) length + tokens.length) * width;
    if (needed > bytes.length) {
      long grown = Math.max(needed, bytes.length + (long) bytes.length / 2);
      bytes = Arrays.copyOf(bytes, (int) Math.clamp(grown, needed, Integer.MAX_VALUE - 8));
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes).position(length * width);
    for (int token : tokens) {
      put(buffer, width, token);
    }
    length += tokens.length;
  }

  void read(long from, int[] into, int offset, int count) {
    Objects.checkFromIndexSize(from, count, length);
    ByteBuffer buffer = ByteBuffer.wrap(bytes).position((int) from * width);
    for (int i = 0; i < count; i++) {
      into[offset + i] = get(buffer, width);
    }
  }

  /** Gives back what was allocated for growth. */
  void trim() {
    bytes = Arrays.copyOf(bytes, length * width);
  }

  void clear() {
    bytes = new byte[0];
    length = 0;
  }

  ByteBuffer content() {
    return ByteBuffer.wrap(bytes, 0, length * width);
  }
}
