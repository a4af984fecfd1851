package dev.anneal.plan;

/** The number formats a tensor's elements can have in memory. */
public enum DType {
  F32(4),
  BF16(2),
  F16(2),
  I32(4);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes per element. */
  public int bytes() {
    return bytes;
  }
}
