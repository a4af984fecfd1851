package dev.anneal.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector width that kernels are compiled for: the widest that this CPU does well, or what
 * {@code ANNEAL_VECTOR_BITS}, 128, 256 or 512, asks for. Results have the same bits at every width.
 */
final class Lanes {
  static final VectorSpecies<Float> F = floats();

  /** Integers of the same shape. */
  static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());

  /** Floats per vector. */
  static final int N = F.length();

  /** Bytes per vector. */
  static final int BYTES = F.vectorByteSize();

  private Lanes() {}

  private static VectorSpecies<Float> floats() {
    String bits = System.getenv().getOrDefault("ANNEAL_VECTOR_BITS", "");
    return switch (bits) {
      // Reductions have 16 lanes, so a wider vector would not help them.
      case "" ->
          FloatVector.SPECIES_PREFERRED.length() > 16
              ? FloatVector.SPECIES_512
              : FloatVector.SPECIES_PREFERRED;
      case "128" -> FloatVector.SPECIES_128;
      case "256" -> FloatVector.SPECIES_256;
      case "512" -> FloatVector.SPECIES_512;
      default ->
          throw new IllegalArgumentException(
              "ANNEAL_VECTOR_BITS is " + bits + "; expected 128, 256 or 512");
    };
  }

  static FloatVector broadcast(float value) {
    return FloatVector.broadcast(F, value);
  }

  /** The lanes of the vector at element {@code i} that lie below {@code n}. */
  static VectorMask<Float> in(int i, int n) {
    return F.indexInRange(Math.min(i, n), n);
  }

  /** x^2 + sum. */
  static FloatVector addSquare(FloatVector x, FloatVector sum) {
    return x.fma(x, sum);
  }

  /** Adds sixteen lanes: i with i + 8, then with i + 4, i + 2, i + 1. */
  static float fold(FloatVector a0, FloatVector a1, FloatVector a2, FloatVector a3, long scratch) {
    Ram.store(a0, scratch);
    if (N <= 8) {
      Ram.store(a1, scratch + BYTES);
    }
    if (N == 4) {
      Ram.store(a2, scratch + 2 * BYTES);
      Ram.store(a3, scratch + 3 * BYTES);
    }
    float s0 = pair(scratch, 0) + pair(scratch, 4);
    float s1 = pair(scratch, 1) + pair(scratch, 5);
    float s2 = pair(scratch, 2) + pair(scratch, 6);
    float s3 = pair(scratch, 3) + pair(scratch, 7);
    return (s0 + s2) + (s1 + s3);
  }

  private static float pair(long scratch, int lane) {
    return Ram.get(scratch + 4L * lane) + Ram.get(scratch + 4L * (lane + 8));
  }
}
