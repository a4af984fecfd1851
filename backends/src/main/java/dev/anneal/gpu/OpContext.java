package dev.anneal.gpu;

import dev.anneal.plan.DType;
import dev.anneal.plan.Multiplication;
import dev.anneal.plan.Tensor;
import java.util.Optional;
import java.util.function.ToLongFunction;

/**
 * What the commands of an op are made with.
 *
 * @param places the address of every tensor
 * @param libraries that do what they can
 * @param trial finds the fastest of several ways, on a device that is there
 * @param multiplication of matrices of fp32
 * @param real the format that the op's kernels are compiled for; see {@link OpFormats}
 */
record OpContext(
    ToLongFunction<Tensor> places,
    Workspace workspace,
    KernelVersions versions,
    Hardware hardware,
    Libraries libraries,
    Optional<WayTrial> trial,
    Multiplication multiplication,
    DType real) {
  /** Of a 128-bit load. */
  static final int PACK_BYTES = 16;

  /** Where nothing is tried. */
  OpContext(
      ToLongFunction<Tensor> places,
      Workspace workspace,
      KernelVersions versions,
      Hardware hardware,
      Libraries libraries,
      Multiplication multiplication,
      DType real) {
    this(places, workspace, versions, hardware, libraries, Optional.empty(), multiplication, real);
  }

  /** Without libraries. */
  OpContext(
      ToLongFunction<Tensor> places,
      Workspace workspace,
      KernelVersions versions,
      Hardware hardware,
      Multiplication multiplication,
      DType real) {
    this(places, workspace, versions, hardware, Libraries.NONE, multiplication, real);
  }

  /** Floats per 128-bit load. */
  static final int FLOATS = PACK_BYTES / Float.BYTES;

  /** For an op whose kernels are compiled for {@code format}. */
  OpContext with(DType format) {
    return new OpContext(
        places, workspace, versions, hardware, libraries, trial, multiplication, format);
  }

  /** For tensors that lie elsewhere. */
  OpContext at(ToLongFunction<Tensor> other) {
    return new OpContext(
        other, workspace, versions, hardware, libraries, trial, multiplication, real);
  }

  /** With other scratch. */
  OpContext in(Workspace other) {
    return new OpContext(places, other, versions, hardware, libraries, trial, multiplication, real);
  }

  /** Activations or weights per 128-bit load. */
  int pack() {
    return PACK_BYTES / real.bytes();
  }

  long address(Tensor tensor) {
    return places.applyAsLong(tensor);
  }

  /** Whether some bytes are both's. */
  boolean overlap(Tensor a, Tensor b) {
    return a.arena() == b.arena()
        && address(a) < address(b) + b.bytes()
        && address(b) < address(a) + a.bytes();
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
