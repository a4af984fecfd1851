package dev.anneal.cuda;

import dev.anneal.plan.Tensor;
import java.util.Optional;
import java.util.function.ToLongFunction;

/**
 * What the commands of an op are made with.
 *
 * @param places the address of every tensor
 */
record OpContext(ToLongFunction<Tensor> places, Workspace workspace, KernelVersions versions) {
  /** Numbers per 128-bit load of floats. */
  static final int PACK = 4;

  static final int WARP = 32;

  /** Shared memory that every device gives a block without being asked. */
  static final int SHARED_BYTES = 48 << 10;

  /** And when asked, the least of all that we compile for. */
  static final int SHARED_OPT_IN_BYTES = 99 << 10;

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

  /** All threads of whole warps that {@code n} need. */
  static int wholeWarps(int n) {
    return Math.ceilDiv(n, WARP) * WARP;
  }
}
