package dev.anneal.opencl;

import dev.anneal.launch.Launch;
import java.util.Optional;

/** Whether a driver runs a kernel at all. */
interface KernelProbe {
  /** Takes every kernel for one that runs. */
  KernelProbe NONE = launch -> Optional.empty();

  /**
   * Why it does not, in the driver's words.
   *
   * @throws dev.anneal.failure.Failure when the device does not answer any more
   */
  Optional<String> refusal(Launch launch);
}
