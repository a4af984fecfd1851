package dev.anneal.gpu;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;

/**
 * A library that the loader opened.
 *
 * @param soname what it was asked for by
 * @param path the file that it was found in
 */
public record SharedLibrary(String soname, String path, SymbolLookup symbols) {

  /**
   * A C function of this library.
   *
   * @throws Failure when the library has no such function: it is older than we need
   */
  public MethodHandle function(CFunction function) {
    MemorySegment address =
        symbols
            .find(function.name())
            .orElseThrow(
                () ->
                    new Failure(
                        ExitCode.BACKEND,
                        path
                            + " has no function "
                            + function.name()
                            + "; install a newer "
                            + soname));
    return Linker.nativeLinker().downcallHandle(address, function.type());
  }

  /** Whether it has a function of this name. */
  public boolean has(String name) {
    return symbols.find(name).isPresent();
  }

  /** Those of {@code names} that are no functions of this library. */
  public List<String> missing(List<String> names) {
    return names.stream().filter(name -> symbols.find(name).isEmpty()).toList();
  }

  /** What an exact call of a method handle may throw, as what it may be. */
  public static RuntimeException rethrown(Throwable e) {
    if (e instanceof Error error) {
      throw error;
    }
    return e instanceof RuntimeException known ? known : new IllegalStateException(e);
  }
}
