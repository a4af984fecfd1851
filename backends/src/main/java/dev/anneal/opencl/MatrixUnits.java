package dev.anneal.opencl;

import java.util.List;

/**
 * The units of a device that multiply small matrices of bf16, as matmul_units.cl is compiled for
 * them.
 *
 * @param definitions e.g. {@code -DUNITS=1}; empty where there are none
 * @param items work-items of a work-group that computes 64 x 64 elements
 */
record MatrixUnits(String definitions, int items) {
  static final MatrixUnits NONE = new MatrixUnits("", 0);

  /** What Intel's extension needs beside sub-groups. */
  private static final List<String> INTEL =
      List.of(
          "cl_intel_subgroup_matrix_multiply_accumulate",
          "cl_intel_subgroups",
          "cl_intel_required_subgroup_size");

  /** Tensor cores multiply bf16 from this compute capability on. */
  private static final int AMPERE = 8;

  private static final MatrixUnits INTEL_16 = new MatrixUnits("-DUNITS=1", 64);
  private static final MatrixUnits INTEL_8 = new MatrixUnits("-DUNITS=2", 64);
  private static final MatrixUnits NVIDIA = new MatrixUnits("-DUNITS=3", 128);

  /** Of an Intel GPU whose smallest sub-groups are as large, which is what its units take. */
  static MatrixUnits intel(List<String> extensions, long smallestSubGroup) {
    if (!extensions.containsAll(INTEL)) {
      return NONE;
    }
    return smallestSubGroup == 16 ? INTEL_16 : smallestSubGroup == 8 ? INTEL_8 : NONE;
  }

  /** Of an NVIDIA GPU of compute capability {@code major}.x. */
  static MatrixUnits nvidia(int major) {
    return major >= AMPERE ? NVIDIA : NONE;
  }

  /** The same by local memory, on any device. */
  MatrixUnits emulated() {
    return new MatrixUnits(definitions + " -DEMULATED_UNITS", items);
  }

  boolean offered() {
    return !definitions.isEmpty();
  }
}
