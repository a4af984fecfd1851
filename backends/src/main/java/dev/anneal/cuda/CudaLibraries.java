package dev.anneal.cuda;

import dev.anneal.device.LibraryInfo;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.CFunction;
import dev.anneal.gpu.CompilerLibrary;
import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.LibrarySearch;
import dev.anneal.gpu.SharedLibrary;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Which of NVIDIA's libraries are here, where, and what versions they say they are. */
final class CudaLibraries {
  private CudaLibraries() {}

  static List<LibraryInfo> look(LibraryLocator locator) {
    return Arrays.stream(CudaLibrary.values()).map(library -> look(library, locator)).toList();
  }

  /** Why there is none of {@code library}, in a line. */
  static String whyMissing(CudaLibrary library, LibraryLocator locator) {
    LibraryInfo none =
        new LibrarySearch(locator)
            .describe(library.sonames(), Optional.empty(), found -> Optional.empty());
    return none instanceof LibraryInfo.Missing missing
        ? missing.reason()
        : "no " + library.description();
  }

  private static LibraryInfo look(CudaLibrary library, LibraryLocator locator) {
    return new LibrarySearch(locator)
        .describe(
            library.sonames(),
            library.find(locator),
            found ->
                Optional.of(
                    switch (library) {
                      case DRIVER -> driver(locator);
                      case NVRTC -> new CompilerLibrary(found, "nvrtc", "NVRTC").version();
                      case CUBLAS_LT -> packed(found, CublasLt.VERSION);
                      case CUDNN -> packed(found, CudnnFunction.VERSION.function());
                    }));
  }

  /** The newest CUDA that the driver runs. */
  private static String driver(LibraryLocator locator) {
    return switch (DriverProbe.probe(locator)) {
      case DriverProbe.Present(SharedLibrary ignored, int version) ->
          "CUDA " + version / 1000 + "." + version % 1000 / 10;
      case DriverProbe.Absent(String reason) -> throw new Failure(ExitCode.BACKEND, reason);
    };
  }

  /** As the others say it: {@code cublasLtGetVersion()} gives 130100 for 13.1.0. */
  private static String packed(SharedLibrary library, CFunction ask) {
    try {
      long version = (long) library.function(ask).invokeExact();
      return version / 10_000 + "." + version / 100 % 100 + "." + version % 100;
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
