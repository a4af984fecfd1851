package dev.anneal.opencl;

import dev.anneal.device.Device;
import dev.anneal.device.KernelFamily;
import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The versions that a test of one op goes through. */
final class OpenClVersions {
  private OpenClVersions() {}

  /** Each version of the op's kernel that fits the device; one empty choice when it has one. */
  static List<Map<String, Integer>> of(Op op, Device device) {
    List<Map<String, Integer>> choices = new ArrayList<>();
    for (KernelFamily family : device.kernels()) {
      for (int v = 1; family.op().isInstance(op) && v <= family.versions(); v++) {
        if (KernelCatalog.fits(family, v, ((OpenClDevice) device).limits())) {
          choices.add(Map.of(family.name(), v));
        }
      }
    }
    return choices.isEmpty() ? List.of(Map.of()) : choices;
  }
}
