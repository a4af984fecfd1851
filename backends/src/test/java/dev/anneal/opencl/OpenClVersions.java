package dev.anneal.opencl;

import dev.anneal.device.Device;
import dev.anneal.device.KernelFamily;
import dev.anneal.device.Suits;
import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The versions that a test of one op goes through. */
enum OpenClVersions {
  /** All that fit the device. */
  ALL,
  /**
   * All that are meant for it: none for CPUs on a device that takes vectors apart, where llvmpipe,
   * for one, compiles for minutes.
   */
  MEANT,
  /** Those with work-groups, for GPUs. */
  GROUPS;

  /** A choice for each version of the op's kernel; one empty choice when it has one version. */
  List<Map<String, Integer>> of(Op op, Device device) {
    DeviceLimits limits = ((OpenClDevice) device).limits();
    List<Map<String, Integer>> choices = new ArrayList<>();
    boolean hasVersions = false;
    for (KernelFamily family : device.kernels()) {
      if (family.op().isInstance(op)) {
        hasVersions = true;
        for (int v = 1; v <= family.versions(); v++) {
          if (limits.machine().lacks(family.version(v).suits()).isEmpty()
              && takes(family, v, limits)) {
            choices.add(Map.of(family.name(), v));
          }
        }
      }
    }
    return hasVersions || this == GROUPS ? choices : List.of(Map.of());
  }

  private boolean takes(KernelFamily family, int version, DeviceLimits limits) {
    return switch (this) {
      case ALL -> true;
      case MEANT -> limits.vectors() || machines(family, version) != Suits.Machines.CPUS;
      case GROUPS -> machines(family, version) == Suits.Machines.GPUS;
    };
  }

  private static Suits.Machines machines(KernelFamily family, int version) {
    return family.version(version).suits().machines();
  }
}
