package dev.anneal.plan;

/** What may become of fp32 operands before a matrix product multiplies them. */
public enum Multiplication {
  /** Nothing. */
  EXACT,
  /**
   * They may lose all but 10 bits of their fraction, where the device has faster arithmetic for
   * such: NVIDIA's TF32. Products of them are summed in fp32.
   */
  TF32
}
