package dev.anneal.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector width that kernels are compiled for: the widest that this CPU does well, or what
 * {@code -Danneal.vector.bits=128|256|512} asks for. Results have the same bits at every width.
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
    int bits = Integer.getInteger("anneal.vector.bits", 0);
    return switch (bits) {
      // Reductions have 16 lanes, so a wider vector would not help them.
      case 0 ->
          FloatVector.SPECIES_PREFERRED.length() > 16
              ? FloatVector.SPECIES_512
              : FloatVector.SPECIES_PREFERRED;
      case 128 -> FloatVector.SPECIES_128;
      case 256 -> FloatVector.SPECIES_256;
      case 512 -> FloatVector.SPECIES_512;
      default ->
          throw new IllegalArgumentException(
              "anneal.vector.bits is " + bits + "; expected 128, 256 or 512");
    };
  }
}
