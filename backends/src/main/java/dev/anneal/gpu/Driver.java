package dev.anneal.gpu;

import dev.anneal.launch.Command;
import dev.anneal.launch.Hardware;
import dev.anneal.launch.Launch;
import dev.anneal.plan.Precision;
import java.lang.foreign.MemorySegment;
import java.util.Set;

/**
 * One open GPU as its vendor's driver shows it: memory, one stream that everything happens on in
 * order, kernels, a graph and events. All that CUDA and HIP have in common is written on this.
 *
 * <p>After an error such a device answers nothing any more: every method throws a {@link
 * dev.anneal.failure.Failure} with exit code 3 then.
 */
public interface Driver extends AutoCloseable {

  /** Of this GPU, as kernels need to know it. */
  Hardware hardware();

  /** What this GPU can store activations in and multiply, fp32 always. */
  default Set<Precision> precisions() {
    return Set.of(Precision.FP32);
  }

  /** Whether its formats of 8 bits are FNUZ's. */
  default boolean hasFnuz() {
    return false;
  }

  /** Makes this GPU the calling thread's; a session may come from any thread. */
  void enter();

  /** The same to release something, where a device that was lost is no matter. */
  void enterToRelease();

  /**
   * Allocates zeros.
   *
   * @return the address
   * @throws dev.anneal.failure.Failure when there is not so much memory; it names {@code what}
   */
  long allocate(String what, long bytes);

  /** Frees an allocation; what the driver says to that is of no use to anyone. */
  void free(long address);

  /** Waits for the stream. */
  void synchronize(String doing);

  /** Copies all of {@code from} to the device, and returns when the caller may change it. */
  void copyIn(long address, MemorySegment from);

  /** Fills {@code to} from the device. */
  void copyOut(long address, MemorySegment to);

  /**
   * Allocates memory of the host that the device reads and writes by itself: its pages stay where
   * they are.
   *
   * @throws dev.anneal.failure.Failure when the driver does not give so much
   */
  MemorySegment allocateHost(long bytes);

  /** Frees what {@link #allocateHost} gave. */
  void freeHost(MemorySegment memory);

  /** Has {@code from}, which is of {@link #allocateHost}, copied to the device in its turn. */
  void enqueueCopyIn(long address, MemorySegment from);

  /** Has {@code to}, which is of {@link #allocateHost}, filled from the device in its turn. */
  void enqueueCopyOut(long address, MemorySegment to);

  /** Whether anything runs on it, and is not only planned for. */
  default boolean runs() {
    return true;
  }

  PreparedCommand prepare(Command.Clear clear);

  /**
   * Loads machine code.
   *
   * @param file the kernel file it was made of, for messages
   * @throws dev.anneal.failure.Failure when the driver does not take it
   */
  Module load(String file, byte[] image);

  /** Kernels that were loaded together. */
  interface Module extends AutoCloseable {

    /**
     * Makes a launch ready.
     *
     * @throws dev.anneal.failure.Failure when the module has no such kernel, or the device not so
     *     much shared memory
     */
    PreparedCommand prepare(Launch launch);

    @Override
    void close();
  }

  /**
   * What {@code commands} enqueue, as one graph; none of it runs now.
   *
   * @param name for messages
   */
  Graph capture(String name, Runnable commands);

  /** Captured commands that one call enqueues. */
  interface Graph extends AutoCloseable {
    void launch();

    @Override
    void close();
  }

  /** Makes {@code count} events. */
  Events events(int count);

  /** Points in the stream that can be waited for, and whose times can be read after that. */
  interface Events extends AutoCloseable {

    /** Puts event {@code i} after what has been enqueued. */
    void record(int i);

    /** Waits for what was enqueued before event {@code i}; what came after may go on. */
    void await(int i, String doing);

    /** Whether the stream has come to event {@code i}, where it was recorded last. */
    boolean isReached(int i);

    /** Milliseconds from event {@code i} to the next. */
    float millisecondsAfter(int i);

    @Override
    void close();
  }

  @Override
  void close();
}
