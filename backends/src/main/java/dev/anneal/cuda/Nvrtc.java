package dev.anneal.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.anneal.gpu.CompilerFunction;
import dev.anneal.gpu.CompilerLibrary;
import dev.anneal.gpu.KernelSource;
import dev.anneal.gpu.SharedLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** CUDA's compiler as a library, for kernels that no image was made of yet. */
final class Nvrtc {
  private static final CompilerLibrary.Output CUBIN =
      new CompilerLibrary.Output(CompilerFunction.GET_CUBIN_SIZE, CompilerFunction.GET_CUBIN);
  private static final CompilerLibrary.Output PTX =
      new CompilerLibrary.Output(CompilerFunction.GET_PTX_SIZE, CompilerFunction.GET_PTX);

  private final CompilerLibrary compiler;
  private final List<Integer> architectures;

  Nvrtc(SharedLibrary library) {
    compiler = new CompilerLibrary(library, "nvrtc", "NVRTC");
    architectures = askArchitectures();
  }

  /** E.g. {@code 13.0}. */
  String version() {
    return compiler.version();
  }

  String path() {
    return compiler.path();
  }

  /** The architectures that it compiles for, e.g. 80, 89, 90, ascending. */
  List<Integer> architectures() {
    return architectures;
  }

  private List<Integer> askArchitectures() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(JAVA_INT);
      compiler.check(
          (int) compiler.function(CompilerFunction.GET_NUM_SUPPORTED_ARCHS).invokeExact(count),
          CompilerFunction.GET_NUM_SUPPORTED_ARCHS);
      int n = count.get(JAVA_INT, 0);
      MemorySegment archs = arena.allocate(JAVA_INT, Math.max(1, n));
      compiler.check(
          (int) compiler.function(CompilerFunction.GET_SUPPORTED_ARCHS).invokeExact(archs),
          CompilerFunction.GET_SUPPORTED_ARCHS);
      return IntStream.range(0, n)
          .map(i -> archs.getAtIndex(JAVA_INT, i))
          .sorted()
          .boxed()
          .toList();
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  /**
   * Compiles {@code source} for a device.
   *
   * @param name as messages of the compiler name it
   * @return a cubin, or PTX when {@code target} is a virtual architecture
   * @throws dev.anneal.failure.Failure with the compiler's first complaint when the source does not
   *     compile
   */
  byte[] compile(String source, String name, Target target, List<String> options) {
    return compiler.compile(
        new KernelSource(name, source),
        Stream.concat(Stream.of("--gpu-architecture=" + target.option()), options.stream())
            .toList(),
        target.virtual() ? PTX : CUBIN,
        target.option());
  }
}
