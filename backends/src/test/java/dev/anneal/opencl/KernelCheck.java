package dev.anneal.opencl;

import dev.anneal.device.Availability;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpCases;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Runs versions of every kernel at small shapes against the reference, on the first OpenCL device
 * that the environment shows: {@link SafetyNetTest} starts it with one implementation after the
 * other. The argument is one of {@link OpenClVersions}. Prints the device, each thing that is
 * wrong, and how many runs there were.
 */
final class KernelCheck {
  private KernelCheck() {}

  public static void main(String[] args) {
    OpenClVersions versions = OpenClVersions.valueOf(args[0]);
    DeviceInfo info =
        switch (new OpenClBackend().probe()) {
          case Availability.Available(List<DeviceInfo> devices) -> devices.getFirst();
          case Availability.Missing(String reason) -> throw new IllegalStateException(reason);
        };
    System.out.println("device " + info.name() + ", " + info.details());
    int runs = 0;
    try (Device device = new OpenClBackend().open(info, DeviceOptions.defaults())) {
      for (OpRun run : OpCases.small().filter(run -> !(run.op() instanceof Op.EightBit)).toList()) {
        Map<Tensor, double[]> expected = run.reference();
        for (Map<String, Integer> choice : versions.of(run.op(), device)) {
          device.chooseKernels(choice);
          Optional<String> error = OpAccuracy.firstError(run, expected, run.on(device));
          error.ifPresent(what -> System.out.println("wrong " + choice + " " + what));
          runs++;
        }
      }
    }
    System.out.println("checked " + runs);
  }
}
