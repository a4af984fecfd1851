// Makes the same training steps on two devices, and says how far apart they are and how fast.
//
//   examples/run CompareDevices [REFERENCE DEVICE [FILE]]
//
// A device is cpu, opencl, cuda or hip, auto for a GPU that works; opencl:1 is the second of its
// kind. By default, the CPU is compared with auto.

import dev.anneal.Anneal;
import dev.anneal.Training;
import dev.anneal.eval.Comparison;

final class CompareDevices {
  private CompareDevices() {}

  public static void main(String[] args) {
    Training training =
        (args.length > 2 ? Training.of(args[2]) : Training.ofJdkSources())
            .withSizes(2, 2, 32, 32)
            .withBatch(2, 32);
    String reference = args.length > 1 ? args[0] : "cpu";
    String other = args.length > 1 ? args[1] : "auto";
    Comparison comparison = Anneal.compare(training, 5, reference, other);
    for (Comparison.DeviceResult device : comparison.devices()) {
      IO.println(
          "%s, %s: %.1f ms per step, losses up to %.2g from the reference's"
              .formatted(
                  device.backend(),
                  device.device(),
                  device.stepMs(),
                  comparison.lossDifference(device)));
      device
          .errors()
          .forEach(
              (kind, error) ->
                  IO.println("  %s: relative error %.2g".formatted(kind, error.relative())));
      device.divergence().ifPresent(op -> IO.println("  beyond its tolerance: " + op));
    }
  }
}
