package dev.anneal.opencl;

import dev.anneal.device.KernelFamily;
import dev.anneal.plan.Op;
import java.util.List;

/** The kernels that have versions, and which version suits which device. */
final class KernelCatalog {
  /** Work-items of the versions that share local memory. */
  static final int GROUP = 256;

  /** Local memory that any version uses at most. */
  static final long LOCAL_BYTES = 16 * 1024;

  private static final String PLAIN_ELEMENT = "one work-item per element";
  private static final String VECTORS = "sixteen elements per work-item, as one vector";
  private static final String TILES =
      "for GPUs: 64 x 64 results per work-group, through local memory, 4 x 4 per work-item";
  private static final String PANELS =
      "for CPUs: 8 x 32 results in vector registers, operands packed into panels";

  static final List<KernelFamily> FAMILIES =
      List.of(
          family("matmul_forward", Op.MatmulForward.class, PLAIN_ELEMENT, TILES, PANELS),
          family(
              "matmul_backward_input", Op.MatmulBackwardInput.class, PLAIN_ELEMENT, TILES, PANELS),
          family(
              "matmul_backward_weight",
              Op.MatmulBackwardWeight.class,
              PLAIN_ELEMENT,
              TILES,
              PANELS),
          family("gelu_forward", Op.GeluForward.class, PLAIN_ELEMENT, VECTORS),
          family("gelu_backward", Op.GeluBackward.class, PLAIN_ELEMENT, VECTORS),
          family("adamw", Op.AdamW.class, PLAIN_ELEMENT));

  private KernelCatalog() {}

  private static KernelFamily family(String name, Class<? extends Op> op, String... ideas) {
    return new KernelFamily(name, op, List.of(ideas));
  }

  /** The version that is best on devices of this kind, as far as we know without timing it. */
  static int suited(KernelFamily family, DeviceLimits limits) {
    int last = family.versions();
    boolean gpu = !limits.cpu();
    for (int v = last; v > 1; v--) {
      boolean wanted = gpu ? !forCpus(family, v) : !forGpus(family, v);
      if (wanted && fits(family, v, limits)) {
        return v;
      }
    }
    return 1;
  }

  private static boolean forCpus(KernelFamily family, int version) {
    return family.ideas().get(version - 1).startsWith("for CPUs");
  }

  private static boolean forGpus(KernelFamily family, int version) {
    return family.ideas().get(version - 1).startsWith("for GPUs");
  }

  /** Whether the device has the work-group size and the local memory that a version uses. */
  static boolean fits(KernelFamily family, int version, DeviceLimits limits) {
    return version == 1
        || (limits.localBytes() >= LOCAL_BYTES
            && (!forGpus(family, version) || limits.workGroup() >= GROUP));
  }
}
