package dev.anneal.hip;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.BlasLt;
import dev.anneal.gpu.BlasLt.Numbers;
import dev.anneal.gpu.Command.Product;
import dev.anneal.gpu.MatrixLibrary;
import dev.anneal.gpu.PreparedCommand;
import dev.anneal.gpu.SharedLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * AMD's hipBLASLt. It has kernels for some architectures only, and starts on the others or not; own
 * kernels do what it does not.
 */
final class HipBlasLt {
  private static final String TITLE = "hipBLASLt";

  /**
   * From hipblaslt.h of ROCm 6.1 to 7.2, and hipblas-common.h. TF32 is of one architecture alone,
   * so fp32 stands for it.
   */
  private static final Numbers NUMBERS =
      new Numbers(
          "hipblasLt",
          new Numbers.Compute(2, 2),
          new Numbers.Operation(111, 112),
          new Numbers.Attributes(0, 1, 2, 3, 4, 10, 11, 22, 5, 6, OptionalInt.empty()),
          24);

  /** ROCm 6.1's, 0.7: before, it had numbers of its own for formats. */
  private static final int FIRST = 700;

  /** ROCm 7's, 1.0. */
  private static final int FIRST_WITH_GELU = 100_000;

  private static final String WITH_GELU = "gfx942";

  private HipBlasLt() {}

  /** The library, or one that does nothing and says why when it does not start on the device. */
  static MatrixLibrary open(SharedLibrary library, long stream, Architecture architecture) {
    try {
      int version = version(library);
      String name =
          TITLE + " " + version / 100_000 + "." + version / 100 % 1000 + "." + version % 100;
      if (version < FIRST) {
        return new Refused(name + " is older than ROCm 6.1's, 0.7");
      }
      boolean gelu = version >= FIRST_WITH_GELU && architecture.name().equals(WITH_GELU);
      return new BlasLt(library, NUMBERS, name, stream, gelu);
    } catch (Failure e) {
      return new Refused(e.getMessage());
    }
  }

  /** 100 000 for 1.0.0, which it says to a handle alone. */
  private static int version(SharedLibrary library) {
    FunctionDescriptor two = FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS);
    FunctionDescriptor one = FunctionDescriptor.of(JAVA_INT, ADDRESS);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment handle = arena.allocate(ADDRESS);
      MemorySegment version = arena.allocate(JAVA_INT);
      int code = (int) library.function("hipblasLtCreate", one).invokeExact(handle);
      if (code == 0) {
        MemorySegment it = handle.get(ADDRESS, 0);
        code = (int) library.function("hipblasLtGetVersion", two).invokeExact(it, version);
        code |= (int) library.function("hipblasLtDestroy", one).invokeExact(it);
      }
      if (code != 0) {
        throw new Failure(
            ExitCode.BACKEND, library.path() + " does not start here (status " + code + ")");
      }
      return version.get(JAVA_INT, 0);
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  /** In place of one that cannot be used. */
  private record Refused(String reason) implements MatrixLibrary {
    @Override
    public String name() {
      return TITLE;
    }

    @Override
    public boolean does(Product product) {
      return false;
    }

    @Override
    public Optional<String> refusal() {
      return Optional.of(reason + ", so own kernels multiply matrices");
    }

    @Override
    public PreparedCommand prepare(Product product) {
      throw new IllegalStateException(reason);
    }

    @Override
    public void close() {}
  }
}
