package dev.anneal.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.anneal.gpu.CFunction;
import dev.anneal.gpu.HeaderConstant;
import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.LibrarySearch;
import dev.anneal.gpu.SharedLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Looks at the driver before any class of JCuda's is touched: its library ends the process when the
 * driver lacks a function, and cannot be loaded twice when the driver is missing.
 */
final class DriverProbe {
  private static final HeaderConstant NO_DEVICE = new HeaderConstant("CUDA_ERROR_NO_DEVICE", 100);

  private static final CFunction INIT = CFunction.status("cuInit", JAVA_INT);
  private static final CFunction VERSION = CFunction.status("cuDriverGetVersion", ADDRESS);

  /** What this backend calls of the driver. */
  static final List<String> FUNCTIONS =
      List.of(
          "cuInit",
          "cuDriverGetVersion",
          "cuDeviceGet",
          "cuDeviceGetAttribute",
          "cuDeviceGetCount",
          "cuDeviceGetName",
          "cuDeviceTotalMem_v2",
          "cuDevicePrimaryCtxRetain",
          "cuDevicePrimaryCtxRelease_v2",
          "cuCtxSetCurrent",
          "cuGetErrorName",
          "cuGetErrorString",
          "cuMemAlloc_v2",
          "cuMemFree_v2",
          "cuMemGetInfo_v2",
          "cuMemcpyHtoDAsync_v2",
          "cuMemcpyDtoHAsync_v2",
          "cuMemsetD8Async",
          "cuModuleLoadData",
          "cuModuleUnload",
          "cuModuleGetFunction",
          "cuFuncSetAttribute",
          "cuLaunchKernel",
          "cuStreamCreate",
          "cuStreamDestroy_v2",
          "cuStreamSynchronize",
          "cuStreamBeginCapture_v2",
          "cuStreamEndCapture",
          "cuGraphInstantiateWithFlags",
          "cuGraphLaunch",
          "cuGraphExecDestroy",
          "cuGraphDestroy",
          "cuEventCreate",
          "cuEventDestroy_v2",
          "cuEventRecord",
          "cuEventSynchronize",
          "cuEventQuery",
          "cuEventElapsedTime");

  private DriverProbe() {}

  /** What the probe found. */
  sealed interface Result {}

  /** A driver with at least one device; {@code version} is 12080 for CUDA 12.8. */
  record Present(SharedLibrary library, int version) implements Result {}

  /** Why there is none, in one line. */
  record Absent(String reason) implements Result {}

  static Result probe(LibraryLocator locator) {
    return CudaLibrary.DRIVER
        .find(locator)
        .map(DriverProbe::look)
        .orElseGet(
            () ->
                new Absent(
                    "no NVIDIA driver: "
                        + new LibrarySearch(locator)
                            .broken(CudaLibrary.DRIVER.sonames())
                            .orElse(
                                CudaLibrary.DRIVER.description()
                                    + " is not in the loader's path")));
  }

  private static Result look(SharedLibrary driver) {
    List<String> missing = driver.missing(FUNCTIONS);
    if (!missing.isEmpty()) {
      return new Absent(
          "the NVIDIA driver "
              + driver.path()
              + " is too old: it has no "
              + missing.getFirst()
              + "; install the driver of CUDA 12 or newer");
    }
    try (Arena arena = Arena.ofConfined()) {
      int started = (int) driver.function(INIT).invokeExact(0);
      if (started == NO_DEVICE.value()) {
        return new Absent("the NVIDIA driver " + driver.path() + " finds no GPU");
      }
      if (started != 0) {
        return new Absent(
            "the NVIDIA driver "
                + driver.path()
                + " does not start (cuInit says error "
                + started
                + "); is the kernel's module of the same version loaded?");
      }
      MemorySegment version = arena.allocate(JAVA_INT);
      int asked = (int) driver.function(VERSION).invokeExact(version);
      return asked == 0
          ? new Present(driver, version.get(JAVA_INT, 0))
          : new Absent(
              "the NVIDIA driver "
                  + driver.path()
                  + " does not say its version (cuDriverGetVersion says error "
                  + asked
                  + ")");
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
