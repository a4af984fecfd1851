package dev.anneal.launch;

/** What a kernel is given: a place in memory, or a number. */
public sealed interface Argument permits Place, Argument.I32, Argument.I64, Argument.F32 {

  record I32(int value) implements Argument {}

  record I64(long value) implements Argument {}

  record F32(float value) implements Argument {}

  static Argument i32(long value) {
    return new I32(Math.toIntExact(value));
  }

  static Argument i32(boolean value) {
    return new I32(value ? 1 : 0);
  }

  static Argument i64(long value) {
    return new I64(value);
  }

  static Argument f32(float value) {
    return new F32(value);
  }
}
