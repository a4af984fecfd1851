package dev.anneal.hip;

import static dev.anneal.failure.Spelling.setting;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.ArgumentSlots;
import dev.anneal.gpu.Driver;
import dev.anneal.gpu.PreparedCommand;
import dev.anneal.launch.Argument;
import dev.anneal.launch.Launch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The kernels of one file, loaded. */
final class HipModule implements Driver.Module {
  /** In one direction of a grid. */
  private static final long MOST_THREADS = 0xFFFF_FFFFL;

  private final HipRuntime runtime;
  private final String file;
  private final long stream;
  private final long module;
  private final Map<String, Long> functions = new HashMap<>();

  /** Of the image: the runtime reads it until the module is unloaded. */
  private final Arena image = Arena.ofShared();

  HipModule(HipRuntime runtime, String file, byte[] code, Architecture architecture, long stream) {
    this.runtime = runtime;
    this.file = file;
    this.stream = stream;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment handle = arena.allocate(JAVA_LONG);
      int loaded = runtime.load(handle, image.allocateFrom(JAVA_BYTE, code));
      if (loaded != 0) {
        image.close();
        throw new Failure(
            ExitCode.BACKEND,
            "the HIP runtime does not load "
                + file
                + " as compiled for "
                + architecture.name()
                + ": "
                + "hipModuleLoadData says "
                + runtime.text(loaded)
                + "; install a hipRTC of the runtime's version");
      }
      this.module = handle.get(JAVA_LONG, 0);
    }
  }

  @Override
  public PreparedCommand prepare(Launch launch) {
    checkSize(launch);
    long function = functions.computeIfAbsent(launch.kernel(), this::find);
    MemorySegment parameters = parameters(launch.arguments());
    String doing = "running " + launch.kernel();
    return () ->
        runtime.launch(function, launch.grid(), launch.sharedBytes(), stream, parameters, doing);
  }

  /** Blocks times threads have 32 bits in HIP, where CUDA counts blocks alone. */
  static void checkSize(Launch launch) {
    long threads = launch.grid().columns();
    if (threads > MOST_THREADS) {
      throw Failure.failed(
          launch.kernel()
              + " would run "
              + threads
              + " threads, and HIP takes "
              + MOST_THREADS
              + " at most; lower "
              + setting("batch")
              + ", "
              + setting("seq")
              + " or the model's size");
    }
  }

  private long find(String kernel) {
    return runtime.function(module, kernel, "looking for " + kernel + " in " + file);
  }

  /** Pointers to the values; both live as long as someone may launch. */
  private static MemorySegment parameters(List<Argument> arguments) {
    Arena arena = Arena.ofAuto();
    MemorySegment values =
        arena.allocate((long) ArgumentSlots.BYTES * arguments.size(), ArgumentSlots.BYTES);
    MemorySegment pointers = arena.allocate(ADDRESS, arguments.size());
    ByteBuffer bytes = values.asByteBuffer().order(ByteOrder.nativeOrder());
    for (int i = 0; i < arguments.size(); i++) {
      ArgumentSlots.put(arguments.get(i), bytes, ArgumentSlots.BYTES * i);
      pointers.setAtIndex(ADDRESS, i, values.asSlice((long) ArgumentSlots.BYTES * i));
    }
    return pointers;
  }

  @Override
  public void close() {
    runtime.unload(module);
    image.close();
  }
}
