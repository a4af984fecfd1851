package dev.anneal.data;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;

/** A growing array of token ids, which takes one byte each for bytes and two for GPT-2's. */
final class PackedTokens {
  private final int width;
  private byte[] bytes;
  private int length;

  PackedTokens(int vocabulary) {
    this.width = vocabulary <= 1 << 8 ? 1 : vocabulary <= 1 << 16 ? 2 : 4;
    this.bytes = new byte[1 << 12];
  }

  int length() {
    return length;
  }

  /** Appends; throws {@link OutOfMemoryError} beyond what an array can hold. */
  void add(int... tokens) {
    long needed = ((long) length + tokens.length) * width;
    if (needed > bytes.length) {
      long grown = Math.max(needed, bytes.length + (long) bytes.length / 2);
      bytes = Arrays.copyOf(bytes, (int) Math.clamp(grown, needed, Integer.MAX_VALUE - 8));
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes).position(length * width);
    for (int token : tokens) {
      switch (width) {
        case 1 -> buffer.put((byte) token);
        case 2 -> buffer.putShort((short) token);
        default -> buffer.putInt(token);
      }
    }
    length += tokens.length;
  }

  void read(long from, int[] into, int offset, int count) {
    Objects.checkFromIndexSize(from, count, length);
    ByteBuffer buffer = ByteBuffer.wrap(bytes).position((int) from * width);
    for (int i = 0; i < count; i++) {
      into[offset + i] =
          switch (width) {
            case 1 -> Byte.toUnsignedInt(buffer.get());
            case 2 -> Short.toUnsignedInt(buffer.getShort());
            default -> buffer.getInt();
          };
    }
  }

  /** Gives back what was allocated for growth. */
  void trim() {
    bytes = Arrays.copyOf(bytes, length * width);
  }

  ByteBuffer content() {
    return ByteBuffer.wrap(bytes, 0, length * width);
  }
}
