package dev.anneal.opencl;

import dev.anneal.device.Suits.Feature;
import dev.anneal.launch.KernelFile;
import dev.anneal.launch.Launch;
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
  private static final String HEADS = "heads";

  Source {
    before = List.copyOf(before);
  }

  /**
   * What a launch is compiled from, on a device of these limits.
   *
   * @throws dev.anneal.failure.Failure when it stores tensors in a way that its kernel has not
   */
  static Source of(Launch launch, DeviceLimits limits) {
    return of(launch.file(), limits).storing(Storage.of(launch)).with(launch.kernel());
  }

  private static Source of(KernelFile file, DeviceLimits limits) {
    if (file.headSize().isPresent()) {
      return new Source(
          file.name(), List.of(PRELUDE, HEADS), "-DHEAD_SIZE=" + file.headSize().getAsInt());
    }
    if (file.needs().contains(Feature.MATRIX_UNITS)) {
      return new Source(file.name(), List.of(PRELUDE), limits.matrixUnits().definitions());
    }
    if (file.needs().contains(Feature.SUB_GROUPS) && limits.subGroups().offered()) {
      return new Source(
          file.name(), List.of(PRELUDE, SUB_GROUPS), limits.subGroups().definitions());
    }
    return new Source(file.name(), List.of(PRELUDE), "");
  }

  /** Whether work-items of sub-groups exchange numbers, which older dialects do not know. */
  boolean exchanges() {
    return before.contains(SUB_GROUPS);
  }

  /** The same, for activations stored as {@code dtype}. */
  private Source storing(DType dtype) {
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
  private Source with(String kernel) {
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
