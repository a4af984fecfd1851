package dev.anneal.huggingface;

import dev.anneal.checkpoint.SafetensorsEntry;
import dev.anneal.checkpoint.SafetensorsType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;

/** The formats that weights are stored in, and how they become float32, which is exact. */
enum FloatFormat {
  F32(SafetensorsType.F32, 4) {
    @Override
    void widen(MemorySegment from, MemorySegment to, int n) {
      to.copyFrom(from);
    }
  },
  F16(SafetensorsType.F16, 2) {
    @Override
    void widen(MemorySegment from, MemorySegment to, int n) {
      for (int i = 0; i < n; i++) {
        to.setAtIndex(FLOAT, i, Float.float16ToFloat(from.getAtIndex(SHORT, i)));
      }
    }
  },
  BF16(SafetensorsType.BF16, 2) {
    @Override
    void widen(MemorySegment from, MemorySegment to, int n) {
      for (int i = 0; i < n; i++) {
        to.setAtIndex(INT, i, from.getAtIndex(SHORT, i) << Short.SIZE);
      }
    }
  };

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

  private final SafetensorsType type;
  private final int bytes;

  FloatFormat(SafetensorsType type, int bytes) {
    this.type = type;
    this.bytes = bytes;
  }

  static Optional<FloatFormat> of(SafetensorsType type) {
    return Arrays.stream(values()).filter(format -> format.type == type).findFirst();
  }

  SafetensorsType type() {
    return type;
  }

  /** Bytes of one number. */
  int bytes() {
    return bytes;
  }

  /** How many numbers a tensor in this format has. */
  long elements(SafetensorsEntry entry) {
    return entry.bytes() / bytes;
  }

  /** Makes {@code n} float32 of as many numbers in this format. */
  abstract void widen(MemorySegment from, MemorySegment to, int n);
}
