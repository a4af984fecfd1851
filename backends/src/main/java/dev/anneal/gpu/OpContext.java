package dev.anneal.gpu;

import dev.anneal.plan.Tensor;
import java.util.Optional;
import java.util.function.ToLongFunction;

/**
 * What the commands of an op are made with.
 *
 * @param places the address of every tensor
 */
record OpContext(
    ToLongFunction<Tensor> places,
    Workspace workspace,
    KernelVersions versions,
    Hardware hardware) {
  /** Numbers per 128-bit load of floats. */
  static final int PACK = 4;

  long address(Tensor tensor) {
    return places.applyAsLong(tensor);
  }

  Argument at(Tensor tensor) {
    return Argument.address(address(tensor));
  }

  Argument at(Optional<Tensor> tensor) {
    return Argument.address(tensor.map(this::address).orElse(0L));
  }

  Argument scratch(long bytes) {
    return Argument.address(workspace.scratch(bytes));
  }

  int version(String kernel) {
    return versions.of(kernel);
  }

  /** Threads that run in step. */
  int warp() {
    return hardware.warp();
  }

  /** All threads of whole warps that {@code n} need. */
  int wholeWarps(int n) {
    return Math.ceilDiv(n, warp()) * warp();
  }
}
