package dev.anneal.opencl;

import dev.anneal.device.KernelFamily;
import dev.anneal.plan.Op;
import java.util.List;

/** The kernels that have versions, and which version suits which device. */
final class KernelCatalog {
  /** Work-items of the versions that share local memory. */
  static final int GROUP = 256;

  /** Local memory that these use at most. */
  static final long LOCAL_BYTES = 16 * 1024;

  static final List<KernelFamily> FAMILIES =
      List.of(
          family(
              "gelu_forward",
              Op.GeluForward.class,
              "one work-item per element",
              "sixteen elements per work-item, as one vector"),
          family(
              "gelu_backward",
              Op.GeluBackward.class,
              "one work-item per element",
              "sixteen elements per work-item, as one vector"),
          family("adamw", Op.AdamW.class, "one work-item per element"));

  private KernelCatalog() {}

  private static KernelFamily family(String name, Class<? extends Op> op, String... ideas) {
    return new KernelFamily(name, op, List.of(ideas));
  }

  /** The version that is best on devices of this kind, as far as we know without timing it. */
  static int suited(KernelFamily family, DeviceLimits limits) {
    return fits(family, family.versions(), limits) ? family.versions() : 1;
  }

  /** Whether the device has the work-group size and the local memory that a version uses. */
  static boolean fits(KernelFamily family, int version, DeviceLimits limits) {
    return family.versions() >= version;
  }
}
