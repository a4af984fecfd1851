package dev.anneal.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.SharedLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/** NVRTC: CUDA's compiler as a library, for kernels that no image was made of yet. */
final class Nvrtc {
  private final SharedLibrary library;
  private final MethodHandle createProgram;
  private final MethodHandle compileProgram;
  private final MethodHandle destroyProgram;
  private final MethodHandle getErrorString;
  private final String version;
  private final List<Integer> architectures;

  Nvrtc(SharedLibrary library) {
    this.library = library;
    createProgram =
        library.function(
            "nvrtcCreateProgram",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS));
    compileProgram =
        library.function(
            "nvrtcCompileProgram", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, ADDRESS));
    destroyProgram =
        library.function("nvrtcDestroyProgram", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    getErrorString =
        library.function("nvrtcGetErrorString", FunctionDescriptor.of(ADDRESS, JAVA_INT));
    version = askVersion();
    architectures = askArchitectures();
  }

  /** E.g. {@code 13.0}. */
  String version() {
    return version;
  }

  String path() {
    return library.path();
  }

  /** The architectures that it compiles for, e.g. 80, 89, 90, ascending. */
  List<Integer> architectures() {
    return architectures;
  }

  private String askVersion() {
    MethodHandle ask =
        library.function("nvrtcVersion", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment major = arena.allocate(JAVA_INT);
      MemorySegment minor = arena.allocate(JAVA_INT);
      check((int) ask.invokeExact(major, minor), "nvrtcVersion");
      return major.get(JAVA_INT, 0) + "." + minor.get(JAVA_INT, 0);
    } catch (Throwable e) {
      throw rethrown(e);
    }
  }

  private List<Integer> askArchitectures() {
    MethodHandle number =
        library.function("nvrtcGetNumSupportedArchs", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    MethodHandle ask =
        library.function("nvrtcGetSupportedArchs", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(JAVA_INT);
      check((int) number.invokeExact(count), "nvrtcGetNumSupportedArchs");
      int n = count.get(JAVA_INT, 0);
      MemorySegment archs = arena.allocate(JAVA_INT, Math.max(1, n));
      check((int) ask.invokeExact(archs), "nvrtcGetSupportedArchs");
      return IntStream.range(0, n)
          .map(i -> archs.getAtIndex(JAVA_INT, i))
          .sorted()
          .boxed()
          .toList();
    } catch (Throwable e) {
      throw rethrown(e);
    }
  }

  /**
   * Compiles {@code source} for a device.
   *
   * @param name as messages of the compiler name it
   * @return a cubin, or PTX when {@code target} is a virtual architecture
   * @throws Failure with the compiler's first complaint when the source does not compile
   */
  byte[] compile(String source, String name, Target target, List<String> options) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment handle = arena.allocate(ADDRESS);
      check(
          (int)
              createProgram.invokeExact(
                  handle,
                  arena.allocateFrom(source),
                  arena.allocateFrom(name),
                  0,
                  MemorySegment.NULL,
                  MemorySegment.NULL),
          "nvrtcCreateProgram");
      MemorySegment program = handle.get(ADDRESS, 0);
      List<String> all =
          IntStream.range(0, options.size() + 1)
              .mapToObj(i -> i == 0 ? "--gpu-architecture=" + target.option() : options.get(i - 1))
              .toList();
      MemorySegment list = arena.allocate(ADDRESS, all.size());
      for (int i = 0; i < all.size(); i++) {
        list.setAtIndex(ADDRESS, i, arena.allocateFrom(all.get(i)));
      }
      int compiled = (int) compileProgram.invokeExact(program, all.size(), list);
      if (compiled != 0) {
        String log = new String(text(program, "ProgramLog", arena)).strip();
        throw new Failure(
            ExitCode.FAILED,
            "NVRTC "
                + version
                + " does not compile "
                + name
                + " for "
                + target.option()
                + ": "
                + log.lines()
                    .filter(line -> line.contains("error"))
                    .findFirst()
                    .orElse(errorString(compiled)));
      }
      byte[] image = text(program, target.virtual() ? "PTX" : "CUBIN", arena);
      check((int) destroyProgram.invokeExact(handle), "nvrtcDestroyProgram");
      return image;
    } catch (Throwable e) {
      throw rethrown(e);
    }
  }

  /** What {@code nvrtcGet<what>} copies, whose size {@code nvrtcGet<what>Size} says. */
  private byte[] text(MemorySegment program, String what, Arena arena) throws Throwable {
    Function<String, MethodHandle> get =
        name -> library.function(name, FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
    MemorySegment size = arena.allocate(JAVA_LONG);
    check(
        (int) get.apply("nvrtcGet" + what + "Size").invokeExact(program, size),
        "nvrtcGet" + what + "Size");
    MemorySegment bytes = arena.allocate(Math.max(1, size.get(JAVA_LONG, 0)));
    check((int) get.apply("nvrtcGet" + what).invokeExact(program, bytes), "nvrtcGet" + what);
    return bytes.toArray(JAVA_BYTE);
  }

  private String errorString(int code) throws Throwable {
    MemorySegment text = (MemorySegment) getErrorString.invokeExact(code);
    return text.reinterpret(256).getString(0);
  }

  private void check(int code, String what) throws Throwable {
    if (code != 0) {
      throw new Failure(
          ExitCode.BACKEND, what + " of " + library.path() + " says " + errorString(code));
    }
  }

  private static RuntimeException rethrown(Throwable e) {
    if (e instanceof Error error) {
      throw error;
    }
    return e instanceof RuntimeException known ? known : new IllegalStateException(e);
  }
}
