package dev.anneal.opencl;

import dev.anneal.plan.DType;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;

/**
 * A kernel file and what it is compiled with.
 *
 * @param file its name, without .cl
 * @param before files that it is compiled after
 * @param definitions e.g. {@code -DHEAD_SIZE=64}; empty for most
 */
record Source(String file, List<String> before, String definitions) {
  private static final String PRELUDE = "prelude";
  private static final String SUB_GROUPS = "subgroups";

  Source {
    before = List.copyOf(before);
  }

  static Source of(String file) {
    return new Source(file, List.of(PRELUDE), "");
  }

  /**
   * One whose kernels add over work-groups, by exchanges between lanes where {@code how} has any.
   */
  static Source of(String file, SubGroups how) {
    return how.offered()
        ? new Source(file, List.of(PRELUDE, SUB_GROUPS), how.definitions())
        : of(file);
  }

  /** The products by matrix units. */
  static Source of(MatrixUnits units) {
    return new Source("matmul_units", List.of(PRELUDE), units.definitions());
  }

  /** Whether work-items of sub-groups exchange numbers, which older dialects do not know. */
  boolean exchanges() {
    return before.contains(SUB_GROUPS);
  }

  /** One of attention's files, for heads of {@code size} channels. */
  static Source ofHeads(String file, int size) {
    return new Source(file, List.of(PRELUDE, "heads"), "-DHEAD_SIZE=" + size);
  }

  /** The same, for activations stored as {@code dtype}. */
  Source storing(DType dtype) {
    return switch (dtype) {
      case F32 -> this;
      case BF16 -> defining("-DACTIVATION=1");
      case F16 -> defining("-DACTIVATION=2");
      case F8E4M3, F8E5M2, F8E4M3FNUZ, F8E5M2FNUZ ->
          throw new IllegalArgumentException("no activations are stored in " + dtype);
      case I32 -> throw new IllegalArgumentException("activations are no integers");
    };
  }

  /** The same, with no kernels but those of the version that {@code kernel}'s name ends with. */
  Source with(String kernel) {
    return defining("-DVERSION=" + kernel.substring(kernel.lastIndexOf("_v") + 2));
  }

  private Source defining(String definition) {
    if (List.of(definitions.split(" ")).contains(definition)) {
      return this;
    }
    return new Source(file, before, (definitions + " " + definition).strip());
  }

  /** What the driver compiles, each file with its own line numbers. */
  List<String> text() {
    return Stream.concat(before.stream(), Stream.of(file))
        .map(name -> "#line 1 \"" + name + ".cl\"\n" + read(name))
        .toList();
  }

  private static String read(String name) {
    String path = "/kernels/opencl/" + name + ".cl";
    try (InputStream in = Source.class.getResourceAsStream(path)) {
      if (in == null) {
        throw new IllegalStateException("the jar lacks " + path);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public String toString() {
    return definitions.isEmpty() ? file + ".cl" : file + ".cl (" + definitions + ")";
  }
}
