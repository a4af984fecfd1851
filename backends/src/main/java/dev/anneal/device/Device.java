package dev.anneal.device;

import dev.anneal.failure.Failure;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.EightBitProducts;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Rewrite;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** One GPU, or the CPU: memory, and the compiler from plans to programs. */
public interface Device extends AutoCloseable {

  DeviceInfo info();

  /**
   * Allocates {@code bytes} of zeros for an arena, aligned for every dtype.
   *
   * @throws dev.anneal.failure.Failure when there is not so much memory
   */
  Memory allocate(Arena arena, long bytes);

  /** Whether a run that is made again has the same bits. */
  default boolean deterministic() {
    return true;
  }

  /** What this device can store activations in and multiply, fp32 always. */
  default Set<Precision> precisions() {
    return Set.of(Precision.FP32);
  }

  /**
   * The format in which this device's products want the weights at {@code precision}, when that is
   * another than the parameters' own; see {@link dev.anneal.plan.WeightCopies}.
   */
  default Optional<DType> weightCopies(Precision precision) {
    return Optional.empty();
  }

  /** What makes products of 8 bits at {@code precision}, in the formats that this device has. */
  default Optional<EightBitProducts> eightBits(Precision precision) {
    return precision.eightBits();
  }

  /** The kernels that have versions to choose from; none on a device that has one of each. */
  default List<KernelFamily> kernels() {
    return List.of();
  }

  /** The version of each of {@link #kernels} that programs compiled from now on use, by name. */
  default Map<String, Integer> kernelVersions() {
    return Map.of();
  }

  /**
   * The same, where a version stands for the fastest of others with what it came to in the programs
   * so far: the bits of these depend on it.
   */
  default Map<String, Integer> usedVersions() {
    return kernelVersions();
  }

  /**
   * Chooses versions by kernel name for programs compiled from now on; the others stay.
   *
   * @throws dev.anneal.failure.Failure when there is no such kernel or version
   */
  default void chooseKernels(Map<String, Integer> versions) {
    if (!versions.isEmpty()) {
      throw Failure.usage(
          "kernel "
              + versions.keySet().iterator().next()
              + ": "
              + info().backend()
              + " has one version of every kernel; there is none to choose");
    }
  }

  /**
   * Takes versions by kernel name for programs compiled from now on, except of kernels that were
   * chosen by {@link #chooseKernels} or at opening; others, and those that there are not, become
   * what suits the device.
   */
  default void preferKernels(Map<String, Integer> versions) {}

  /** What this device wants changed in the plan of a training step, in order. */
  default List<Rewrite> rewrites() {
    return List.of();
  }

  /**
   * What a user should know of the programs that were compiled so far, a line each: a library that
   * does not do what it was there for, say.
   */
  default List<String> notes() {
    return List.of();
  }

  /** What libraries multiply matrices with in the programs that were compiled so far. */
  default List<ProductAlgorithm> productAlgorithms() {
    return List.of();
  }

  /**
   * Has programs compiled from now on multiply with what a run did that goes on, so that it has the
   * bits that it would have had. Where that cannot be, {@link #notes} says so.
   *
   * @param recorded by {@link ProductAlgorithm#product}, what {@link ProductAlgorithm#recorded}
   *     gave; empty for a run that begins
   */
  default void useAlgorithms(Map<String, String> recorded) {}

  /** Makes {@code plan} ready to run on {@code memory}, one for each arena that the plan uses. */
  Program compile(Plan plan, Map<Arena, Memory> memory);

  /** Bytes of scratch that {@link #compile} will allocate beside the arenas for {@code plan}. */
  long workspaceBytes(Plan plan);

  /** The same for plans that are all compiled, whose programs may share some. */
  default long workspaceBytes(Collection<Plan> plans) {
    return plans.stream().mapToLong(this::workspaceBytes).sum();
  }

  /**
   * What a run of {@code plan} would cost, in counts; nothing is allocated and nothing runs. Empty
   * on a device that is told nothing, since it computes itself.
   */
  default Optional<ProgramCosts> costs(Plan plan) {
    return Optional.empty();
  }

  /** Copies all of {@code from} to {@code to} at byte {@code offset}. */
  void copyIn(Memory to, long offset, MemorySegment from);

  /** Fills {@code to} with the bytes of {@code from} at byte {@code offset}. */
  void copyOut(Memory from, long offset, MemorySegment to);

  /**
   * Whether what is enqueued is done while the host goes on; otherwise it is done when that
   * returns.
   */
  default boolean isAsynchronous() {
    return false;
  }

  /**
   * Host memory for {@link #enqueueCopyIn} and {@link #enqueueCopyOut}.
   *
   * @throws dev.anneal.failure.Failure when there is not so much memory
   */
  default HostMemory allocateHost(long bytes) {
    return HostMemory.ordinary(bytes);
  }

  /**
   * As {@link #copyIn}, after all that was enqueued; may return before it is done, so that {@code
   * from}, which is of {@link #allocateHost}, stays as it is until {@link #finish}.
   */
  default void enqueueCopyIn(Memory to, long offset, MemorySegment from) {
    copyIn(to, offset, from);
  }

  /** As {@link #copyOut}, after all that was enqueued; {@code to} has it after {@link #finish}. */
  default void enqueueCopyOut(Memory from, long offset, MemorySegment to) {
    copyOut(from, offset, to);
  }

  /** Makes a mark, which is passed until it is set. */
  default Mark mark() {
    return Mark.passed();
  }

  /**
   * Waits for all that was enqueued.
   *
   * @param doing what that is, for messages
   * @throws dev.anneal.failure.Failure when some of it failed
   */
  default void finish(String doing) {}

  @Override
  void close();
}
