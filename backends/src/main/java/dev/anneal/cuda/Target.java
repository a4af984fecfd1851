package dev.anneal.cuda;

import java.util.List;

/**
 * What a kernel is compiled for.
 *
 * @param name the architecture, e.g. 90a
 * @param virtual whether to PTX, which a newer device's driver finishes, and not to machine code
 */
record Target(String name, boolean virtual) {

  /** As compilers take it: {@code sm_90a}, {@code compute_90}. */
  String option() {
    return (virtual ? "compute_" : "sm_") + name;
  }

  /**
   * The target for a device of {@code capability}, e.g. 90, by a compiler that knows {@code
   * architectures}: its own machine code, or else PTX of the newest that is not newer.
   */
  static Target of(int capability, List<Integer> architectures) {
    if (architectures.contains(capability)) {
      return device(capability);
    }
    int nearest =
        architectures.stream()
            .filter(a -> a < capability)
            .mapToInt(a -> a)
            .max()
            .orElse(capability);
    return new Target(String.valueOf(nearest), true);
  }

  /** Machine code for exactly this device; Hopper's has instructions that no later one has. */
  static Target device(int capability) {
    return new Target(capability == 90 ? "90a" : String.valueOf(capability), false);
  }
}
