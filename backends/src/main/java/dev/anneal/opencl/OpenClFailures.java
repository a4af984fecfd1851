package dev.anneal.opencl;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import org.jocl.CL;
import org.jocl.CLException;

/** What can go wrong with a device, each in one line and with exit code 3. */
final class OpenClFailures {
  private OpenClFailures() {}

  static boolean refusesGroup(CLException e) {
    return e.getStatus() == CL.CL_INVALID_WORK_GROUP_SIZE
        || e.getStatus() == CL.CL_INVALID_WORK_ITEM_SIZE;
  }

  /** A request for memory that the device does not have, or does not give. */
  static Failure memory(String what, long bytes, DeviceLimits limits, String why) {
    return failure(
        limits,
        what
            + " need "
            + bytes
            + " bytes: "
            + why
            + "; lower --batch, --seq or the model's size, or take another device");
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
            + "; update the driver, or take another --backend");
  }

  /**
   * A kernel whose work-groups the driver refuses, since its compiler needs too much for each
   * work-item. Only a launch tells: CL_KERNEL_WORK_GROUP_SIZE is 32 in Mesa's rusticl, which
   * launches 1024.
   */
  static Failure group(Launch launch, DeviceLimits limits) {
    return failure(
        limits,
        launch.kernel()
            + " needs work-groups of "
            + launch.grid().groupSize()
            + ", which the driver refuses; choose another version with --kernel");
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

  private static Failure failure(DeviceLimits limits, String message) {
    return new Failure(ExitCode.BACKEND, name(limits) + message);
  }

  private static String name(DeviceLimits limits) {
    return "opencl device " + limits.name() + ": ";
  }
}
