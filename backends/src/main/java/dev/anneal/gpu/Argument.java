package dev.anneal.gpu;

import java.nio.ByteBuffer;

/** What a kernel is given for one of its parameters. */
public sealed interface Argument {
  /** Bytes that every value has room for. */
  int SLOT = 8;

  /** Writes the value where the driver reads it. */
  void put(ByteBuffer to, int at);

  /** Device memory; 0 is none. */
  record Address(long value) implements Argument {
    @Override
    public void put(ByteBuffer to, int at) {
      to.putLong(at, value);
    }
  }

  record I64(long value) implements Argument {
    @Override
    public void put(ByteBuffer to, int at) {
      to.putLong(at, value);
    }
  }

  record I32(int value) implements Argument {
    @Override
    public void put(ByteBuffer to, int at) {
      to.putInt(at, value);
    }
  }

  record F32(float value) implements Argument {
    @Override
    public void put(ByteBuffer to, int at) {
      to.putFloat(at, value);
    }
  }

  static Argument address(long value) {
    return new Address(value);
  }

  static Argument i64(long value) {
    return new I64(value);
  }

  static Argument i32(long value) {
    return new I32(Math.toIntExact(value));
  }

  static Argument i32(boolean value) {
    return new I32(value ? 1 : 0);
  }

  static Argument f32(float value) {
    return new F32(value);
  }
}
