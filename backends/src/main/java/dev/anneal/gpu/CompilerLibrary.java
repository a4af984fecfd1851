package dev.anneal.gpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;

/**
 * A vendor's compiler of kernels as a library: NVRTC, or hipRTC, whose functions differ from
 * NVRTC's in their names' beginning alone.
 */
public final class CompilerLibrary {
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

  /** A function that returns a result code, by its name without the prefix. */
  public MethodHandle function(String name, MemoryLayout... parameters) {
    return library.function(prefix + name, FunctionDescriptor.of(JAVA_INT, parameters));
  }

  private String askVersion() {
    MethodHandle ask = function("Version", ADDRESS, ADDRESS);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment major = arena.allocate(JAVA_INT);
      MemorySegment minor = arena.allocate(JAVA_INT);
      check((int) ask.invokeExact(major, minor), "Version");
      return major.get(JAVA_INT, 0) + "." + minor.get(JAVA_INT, 0);
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  /**
   * Compiles {@code source}.
   *
   * @param result what is wanted of it, as the function that gets it is named: {@code CUBIN}
   * @param target what it is compiled for, for messages
   * @throws Failure with the compiler's first complaint when the source does not compile
   */
  public byte[] compile(KernelSource source, List<String> options, String result, String target) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment handle = arena.allocate(ADDRESS);
      check(
          (int)
              function("CreateProgram", ADDRESS, ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS)
                  .invokeExact(
                      handle,
                      arena.allocateFrom(source.text()),
                      arena.allocateFrom(source.name()),
                      0,
                      MemorySegment.NULL,
                      MemorySegment.NULL),
          "CreateProgram");
      MemorySegment program = handle.get(ADDRESS, 0);
      MemorySegment list = arena.allocate(ADDRESS, Math.max(1, options.size()));
      for (int i = 0; i < options.size(); i++) {
        list.setAtIndex(ADDRESS, i, arena.allocateFrom(options.get(i)));
      }
      int compiled =
          (int)
              function("CompileProgram", ADDRESS, JAVA_INT, ADDRESS)
                  .invokeExact(program, options.size(), list);
      if (compiled != 0) {
        String log = new String(text(program, "ProgramLog", arena)).strip();
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
      check((int) function("DestroyProgram", ADDRESS).invokeExact(handle), "DestroyProgram");
      return image;
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  /** What {@code Get<what>} copies, whose size {@code Get<what>Size} says. */
  private byte[] text(MemorySegment program, String what, Arena arena) throws Throwable {
    MemorySegment size = arena.allocate(JAVA_LONG);
    check(
        (int) function("Get" + what + "Size", ADDRESS, ADDRESS).invokeExact(program, size),
        "Get" + what + "Size");
    MemorySegment bytes = arena.allocate(Math.max(1, size.get(JAVA_LONG, 0)));
    check((int) function("Get" + what, ADDRESS, ADDRESS).invokeExact(program, bytes), "Get" + what);
    return bytes.toArray(JAVA_BYTE);
  }

  private String errorString(int code) throws Throwable {
    MemorySegment text =
        (MemorySegment)
            library
                .function(prefix + "GetErrorString", FunctionDescriptor.of(ADDRESS, JAVA_INT))
                .invokeExact(code);
    return text.reinterpret(256).getString(0);
  }

  /**
   * Nothing when {@code code} is success.
   *
   * @param name of the function that gave it, without the prefix
   * @throws Failure with exit code 3
   */
  public void check(int code, String name) throws Throwable {
    if (code != 0) {
      throw new Failure(
          ExitCode.BACKEND, prefix + name + " of " + library.path() + " says " + errorString(code));
    }
  }
}
