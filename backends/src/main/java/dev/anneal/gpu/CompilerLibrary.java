package dev.anneal.gpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;

/**
 * A vendor's compiler of kernels as a library: NVRTC, or hipRTC, whose functions differ from
 * NVRTC's in their names' beginning alone.
 */
public final class CompilerLibrary {
  private static final Output LOG =
      new Output(CompilerFunction.GET_PROGRAM_LOG_SIZE, CompilerFunction.GET_PROGRAM_LOG);

  /** What can be had of a compiled program: how many bytes it has, and these. */
  public record Output(CompilerFunction size, CompilerFunction bytes) {}

  private final SharedLibrary library;
  private final String prefix;
  private final String title;
  private final String version;

  /**
   * @param prefix of its functions: {@code nvrtc}
   * @param title as messages have it: {@code NVRTC}
   */
  public CompilerLibrary(SharedLibrary library, String prefix, String title) {
    this.library = library;
    this.prefix = prefix;
    this.title = title;
    this.version = askVersion();
  }

  /** E.g. {@code 13.0}. */
  public String version() {
    return version;
  }

  public String path() {
    return library.path();
  }

  public SharedLibrary library() {
    return library;
  }

  /** A function that returns a result code. */
  public MethodHandle function(CompilerFunction function) {
    return library.function(function.of(prefix));
  }

  private String askVersion() {
    MethodHandle ask = function(CompilerFunction.VERSION);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment major = arena.allocate(JAVA_INT);
      MemorySegment minor = arena.allocate(JAVA_INT);
      check((int) ask.invokeExact(major, minor), CompilerFunction.VERSION);
      return major.get(JAVA_INT, 0) + "." + minor.get(JAVA_INT, 0);
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  /**
   * Compiles {@code source}.
   *
   * @param result what is wanted of it
   * @param target what it is compiled for, for messages
   * @throws Failure with the compiler's first complaint when the source does not compile
   */
  public byte[] compile(KernelSource source, List<String> options, Output result, String target) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment handle = arena.allocate(ADDRESS);
      check(
          (int)
              function(CompilerFunction.CREATE_PROGRAM)
                  .invokeExact(
                      handle,
                      arena.allocateFrom(source.text()),
                      arena.allocateFrom(source.name()),
                      0,
                      MemorySegment.NULL,
                      MemorySegment.NULL),
          CompilerFunction.CREATE_PROGRAM);
      MemorySegment program = handle.get(ADDRESS, 0);
      MemorySegment list = arena.allocate(ADDRESS, Math.max(1, options.size()));
      for (int i = 0; i < options.size(); i++) {
        list.setAtIndex(ADDRESS, i, arena.allocateFrom(options.get(i)));
      }
      int compiled =
          (int)
              function(CompilerFunction.COMPILE_PROGRAM).invokeExact(program, options.size(), list);
      if (compiled != 0) {
        String log = new String(text(program, LOG, arena)).strip();
        throw new Failure(
            ExitCode.FAILED,
            title
                + " "
                + version
                + " does not compile "
                + source.name()
                + " for "
                + target
                + ": "
                + log.lines()
                    .filter(line -> line.contains("error"))
                    .findFirst()
                    .orElse(errorString(compiled)));
      }
      byte[] image = text(program, result, arena);
      check(
          (int) function(CompilerFunction.DESTROY_PROGRAM).invokeExact(handle),
          CompilerFunction.DESTROY_PROGRAM);
      return image;
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  private byte[] text(MemorySegment program, Output what, Arena arena) throws Throwable {
    MemorySegment size = arena.allocate(JAVA_LONG);
    check((int) function(what.size).invokeExact(program, size), what.size);
    MemorySegment bytes = arena.allocate(Math.max(1, size.get(JAVA_LONG, 0)));
    check((int) function(what.bytes).invokeExact(program, bytes), what.bytes);
    return bytes.toArray(JAVA_BYTE);
  }

  private String errorString(int code) throws Throwable {
    MemorySegment text =
        (MemorySegment) library.function(CompilerFunction.errorString(prefix)).invokeExact(code);
    return text.reinterpret(256).getString(0);
  }

  /**
   * Nothing when {@code code} is success.
   *
   * @param function that gave it
   * @throws Failure with exit code 3
   */
  public void check(int code, CompilerFunction function) throws Throwable {
    if (code != 0) {
      throw new Failure(
          ExitCode.BACKEND,
          function.of(prefix).name() + " of " + library.path() + " says " + errorString(code));
    }
  }
}
