package dev.anneal.opencl;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.launch.Launch;
import dev.anneal.plan.DType;
import dev.anneal.plan.Tensor;
import java.util.Set;
import org.jocl.CLException;

/** What can go wrong with a device, each in one line and with exit code 3. */
final class OpenClFailures {
  private OpenClFailures() {}

  /** A request for memory that the device does not have, or does not give. */
  static Failure memory(String what, long bytes, DeviceLimits limits, String why) {
    return failure(
        limits,
        what
            + " need "
            + bytes
            + " bytes: "
            + why
            + "; lower "
            + setting("batch")
            + ", "
            + setting("seq")
            + " or the model's size, or take another device");
  }

  /** A tensor that is larger than a buffer can be. */
  static Failure onePiece(Tensor tensor, DeviceLimits limits) {
    String why = "its driver gives " + limits.allocationBytes() + " in one piece";
    return memory(tensor + " and what lies beside it", tensor.bytes(), limits, why);
  }

  /** The driver did not compile a kernel file. */
  static Failure build(Source source, DeviceLimits limits, String log) {
    String first =
        log.lines()
            .filter(line -> line.contains("error"))
            .findFirst()
            .or(() -> log.lines().filter(line -> !line.isBlank()).findFirst())
            .orElse("it does not say why")
            .strip();
    return failure(
        limits,
        "driver "
            + limits.driver()
            + " refuses to build "
            + source
            + ": "
            + first
            + "; update the driver, or take another "
            + setting("backend"));
  }

  /** A kernel that the driver does not run, since its compiler needs too much for a work-item. */
  static Failure group(Launch launch, DeviceLimits limits, String why) {
    return failure(
        limits,
        "the driver refuses "
            + launch.kernel()
            + " in work-groups of "
            + launch.grid().groupSize()
            + " ("
            + why
            + "); choose another version with "
            + setting("kernel")
            + ", or take another "
            + setting("backend"));
  }

  /** The driver refused something, and the device answers as before. */
  static Failure refused(String doing, DeviceLimits limits, CLException e) {
    return failure(
        limits,
        "the driver refuses "
            + doing
            + " ("
            + e.getMessage()
            + "), and the device still answers; lower "
            + setting("batch")
            + " or "
            + setting("seq")
            + ", or choose another version"
            + " of the kernel with "
            + setting("kernel")
            + "; the last checkpoint is whole");
  }

  /** The device stopped answering, or ran out of something, in the middle of {@code doing}. */
  static Failure lost(String doing, DeviceLimits limits, CLException e) {
    return new Failure(
        ExitCode.BACKEND,
        name(limits)
            + "failed while "
            + doing
            + " ("
            + e.getMessage()
            + "); the last checkpoint is whole: start again from it, and if it happens again, look"
            + " into the driver's log",
        e);
  }

  /** A plan that stores the activations of one op in more than one format. */
  static Failure mixedStorage(String kernel, Set<DType> stored) {
    return new Failure(
        ExitCode.BACKEND,
        "opencl: "
            + kernel
            + " takes activations of one format, not "
            + stored
            + "; store all of them alike, or take "
            + setting("dtype")
            + " fp32");
  }

  /** A plan that stores in 16 bits what kernels have in 32. */
  static Failure narrow(String kernel, Tensor tensor) {
    return new Failure(
        ExitCode.BACKEND,
        "opencl: "
            + kernel
            + " takes "
            + tensor
            + " in 32 bits, not as "
            + tensor.dtype()
            + "; store only activations in 16, or take "
            + setting("dtype")
            + " fp32");
  }

  private static Failure failure(DeviceLimits limits, String message) {
    return new Failure(ExitCode.BACKEND, name(limits) + message);
  }

  private static String name(DeviceLimits limits) {
    return "opencl device " + limits.name() + ": ";
  }
}
