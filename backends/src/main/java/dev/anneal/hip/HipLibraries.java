package dev.anneal.hip;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.anneal.device.LibraryInfo;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.CFunction;
import dev.anneal.gpu.CompilerLibrary;
import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.LibrarySearch;
import dev.anneal.gpu.SharedLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Which of AMD's libraries are here, where, and what versions they say they are. */
final class HipLibraries {
  /** RCCL has it from NCCL, by its name. */
  private static final CFunction COLLECTIVES_VERSION = CFunction.status("ncclGetVersion", ADDRESS);

  private HipLibraries() {}

  static List<LibraryInfo> look(LibraryLocator locator) {
    return Arrays.stream(HipLibrary.values()).map(library -> look(library, locator)).toList();
  }

  private static LibraryInfo look(HipLibrary library, LibraryLocator locator) {
    Optional<SharedLibrary> found =
        library == HipLibrary.COMPILER
            ? HipCompiler.find(locator).map(CompilerLibrary::library)
            : library.find(locator);
    return new LibrarySearch(locator)
        .describe(
            library.sonames(locator),
            found,
            it ->
                switch (library) {
                  case RUNTIME -> Optional.of(new HipRuntime(it).version());
                  case COMPILER -> Optional.of(HipCompiler.bind(it).version());
                  case COLLECTIVES -> Optional.of(collectives(it));
                  // It says its version to a handle alone, which needs a GPU.
                  case BLAS_LT -> Optional.empty();
                });
  }

  /** RCCL says 22203 for 2.22.3, by NCCL's function. */
  private static String collectives(SharedLibrary library) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment version = arena.allocate(JAVA_INT);
      int status = (int) library.function(COLLECTIVES_VERSION).invokeExact(version);
      if (status != 0) {
        throw new Failure(
            ExitCode.BACKEND, library.path() + " does not say its version (error " + status + ")");
      }
      int packed = version.get(JAVA_INT, 0);
      return packed / 10_000 + "." + packed / 100 % 100 + "." + packed % 100;
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }
}
