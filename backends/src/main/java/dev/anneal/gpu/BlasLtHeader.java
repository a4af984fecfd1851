package dev.anneal.gpu;

import dev.anneal.plan.DType;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the header of cuBLASLt or hipBLASLt has otherwise than the other's.
 *
 * @param prefix of its functions: {@code cublasLt}
 * @param types number formats
 * @param workspaceBytes the preference that says how much scratch there is
 * @param alignments the preferences that say what the addresses of A, B, C and D are multiples of;
 *     none where the library looks at the addresses themselves
 * @param algorithmBytes of the structure that holds an algorithm
 * @param tellingBytes of them, from the first on, that tell an algorithm from others
 * @param check whether an algorithm of another process does a product; where there is no such
 *     function, it is looked for among those that the library offers
 */
public record BlasLtHeader(
    String prefix,
    Compute compute,
    Operation operation,
    Attributes attributes,
    Epilogues epilogues,
    Map<DType, HeaderConstant> types,
    HeaderConstant workspaceBytes,
    List<HeaderConstant> alignments,
    int algorithmBytes,
    int tellingBytes,
    Optional<CFunction> check) {
  public BlasLtHeader {
    types = Map.copyOf(types);
    alignments = List.copyOf(alignments);
  }

  /** In what format fp32 is multiplied; {@code tf32} is as fp32's where it has none. */
  public record Compute(HeaderConstant float32, HeaderConstant tf32) {}

  /** A matrix as it is, or transposed. */
  public record Operation(HeaderConstant none, HeaderConstant transposed) {}

  /**
   * Of a product's descriptor.
   *
   * @param fastSums where sums of fp8 may be of fewer bits and that can be chosen
   */
  public record Attributes(
      HeaderConstant transposeA,
      HeaderConstant transposeB,
      HeaderConstant epilogue,
      HeaderConstant bias,
      HeaderConstant biasType,
      HeaderConstant auxiliary,
      HeaderConstant auxiliaryColumn,
      HeaderConstant auxiliaryType,
      HeaderConstant scaleA,
      HeaderConstant scaleB,
      Optional<HeaderConstant> fastSums) {}

  /** What is done to a product before it is written. */
  public record Epilogues(
      HeaderConstant bias,
      HeaderConstant geluOfBias,
      HeaderConstant geluGradient,
      HeaderConstant biasGradient) {}

  /** A format's number. */
  HeaderConstant type(DType dtype) {
    HeaderConstant type = types.get(dtype);
    if (type == null) {
      throw new IllegalArgumentException("no product is in " + dtype);
    }
    return type;
  }
}
