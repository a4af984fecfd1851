package dev.anneal.hip;

import static dev.anneal.failure.Spelling.setting;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.anneal.failure.Failure;
import dev.anneal.gpu.Driver;
import dev.anneal.gpu.PreparedCommand;
import dev.anneal.launch.Command;
import dev.anneal.launch.Hardware;
import dev.anneal.plan.Precision;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;

/** One AMD GPU and its one stream, by the HIP runtime. */
final class HipDriver implements Driver {
  /** A workgroup's local memory on all architectures that kernels are compiled for. */
  private static final int LOCAL_BYTES = 64 << 10;

  private final HipRuntime runtime;
  private final int device;
  private final Architecture architecture;
  private final Hardware hardware;
  private final long stream;

  HipDriver(HipRuntime runtime, int device, Architecture architecture) {
    this.runtime = runtime;
    this.device = device;
    this.architecture = architecture;
    this.hardware = hardware(architecture, runtime.wave(device));
    enter();
    this.stream = runtime.newStream();
  }

  static Hardware hardware(Architecture architecture, int wave) {
    return new Hardware(wave, LOCAL_BYTES, LOCAL_BYTES, architecture.matrixUnit().kernels());
  }

  long stream() {
    return stream;
  }

  @Override
  public Hardware hardware() {
    return hardware;
  }

  @Override
  public Set<Precision> precisions() {
    return precisions(architecture);
  }

  static Set<Precision> precisions(Architecture architecture) {
    // Of bf16 every architecture can do with the portable kernels, which compute in fp32.
    Set<Precision> all = EnumSet.of(Precision.FP32, Precision.BF16, Precision.PURE_BF16);
    if (architecture.hasOpenEightBits() || architecture.hasFnuz()) {
      all.addAll(EnumSet.of(Precision.FP8, Precision.FP8_HYBRID));
    }
    return all;
  }

  @Override
  public boolean hasFnuz() {
    return architecture.hasFnuz();
  }

  @Override
  public void enter() {
    runtime.enter(device);
  }

  @Override
  public void enterToRelease() {
    runtime.enterToRelease(device);
  }

  @Override
  public long allocate(String what, long bytes) {
    enter();
    long size = Math.max(bytes, 1);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment address = arena.allocate(JAVA_LONG);
      int code = runtime.allocate(address, size);
      if (code == HipRuntime.OUT_OF_MEMORY.value()) {
        throw noRoom(what, bytes);
      }
      runtime.checkAllocated(code, what);
      long allocated = address.get(JAVA_LONG, 0);
      try {
        runtime.clear(allocated, size, stream);
        return allocated;
      } catch (Failure e) {
        free(allocated);
        throw e;
      }
    }
  }

  private Failure noRoom(String what, long bytes) {
    long[] memory = runtime.freeAndTotal();
    return Failure.failed(
        "the "
            + what
            + " need "
            + bytes
            + " bytes; the device has "
            + memory[0]
            + " free of "
            + memory[1]
            + "; lower "
            + setting("batch")
            + ", "
            + setting("seq")
            + " or the model's size, or recompute more");
  }

  @Override
  public void free(long address) {
    enterToRelease();
    runtime.free(address);
  }

  @Override
  public void synchronize(String doing) {
    runtime.synchronize(stream, doing);
  }

  @Override
  public void copyIn(long address, MemorySegment from) {
    enter();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment host =
          from.isNative() ? from : arena.allocate(Math.max(1, from.byteSize())).copyFrom(from);
      runtime.copyIn(address, host.asSlice(0, from.byteSize()), stream);
      synchronize("copying to it");
    }
  }

  @Override
  public void copyOut(long address, MemorySegment to) {
    enter();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment host = to.isNative() ? to : arena.allocate(to.byteSize());
      runtime.copyOut(host, address, stream);
      synchronize("copying from it");
      if (!to.isNative()) {
        to.copyFrom(host);
      }
    }
  }

  @Override
  public MemorySegment allocateHost(long bytes) {
    enter();
    return runtime.allocateHost(bytes);
  }

  @Override
  public void freeHost(MemorySegment memory) {
    enterToRelease();
    runtime.freeHost(memory);
  }

  @Override
  public void enqueueCopyIn(long address, MemorySegment from) {
    runtime.copyIn(address, from, stream);
  }

  @Override
  public void enqueueCopyOut(long address, MemorySegment to) {
    runtime.copyOut(to, address, stream);
  }

  @Override
  public PreparedCommand prepare(Command.Clear clear) {
    return () -> runtime.clear(clear.place().address(), clear.bytes(), stream);
  }

  @Override
  public Module load(String file, byte[] image) {
    return new HipModule(runtime, file, image, architecture, stream);
  }

  @Override
  public Graph capture(String name, Runnable commands) {
    return new HipGraph(runtime, stream, name, commands);
  }

  @Override
  public Events events(int count) {
    return new HipEvents(runtime, stream, count);
  }

  @Override
  public void close() {
    enterToRelease();
    runtime.destroyStream(stream);
  }
}
