package dev.anneal.hip;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.device.Availability;
import dev.anneal.device.Backend;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.KernelFamily;
import dev.anneal.device.LibraryInfo;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.CompiledImages;
import dev.anneal.gpu.CompilerLibrary;
import dev.anneal.gpu.GpuDevice;
import dev.anneal.gpu.KernelSource;
import dev.anneal.gpu.Libraries;
import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.LibrarySearch;
import dev.anneal.gpu.ProductTrials;
import dev.anneal.gpu.SharedLibrary;
import dev.anneal.gpu.TrialScope;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** AMD GPUs. Compiled and emulated: nobody has run it on one yet. */
public final class HipBackend implements Backend {
  private final Map<String, String> environment;

  public HipBackend() {
    this(System.getenv());
  }

  HipBackend(Map<String, String> environment) {
    this.environment = Map.copyOf(environment);
  }

  @Override
  public String name() {
    return "hip";
  }

  @Override
  public Availability probe() {
    try {
      return switch (HipProbe.probe(locator())) {
        case HipProbe.Absent(String reason) -> new Availability.Missing(reason);
        case HipProbe.Present present -> devices(present);
      };
    } catch (Failure e) {
      return new Availability.Missing(e.getMessage());
    }
  }

  @Override
  public List<LibraryInfo> libraries() {
    return HipLibraries.look(locator());
  }

  private Availability devices(HipProbe.Present found) {
    Optional<CompilerLibrary> compiler = HipCompiler.find(locator());
    if (compiler.isEmpty()) {
      return new Availability.Missing(
          "no compiler for HIP kernels: "
              + new LibrarySearch(locator())
                  .broken(HipLibrary.COMPILER.sonames(locator()))
                  .orElse(HipLibrary.COMPILER.description() + " is not in " + locator().searched())
              + "; ROCm's package hiprtc or hip-runtime-amd brings it");
    }
    List<DeviceInfo> devices = new ArrayList<>();
    for (int i = 0; i < found.devices(); i++) {
      devices.add(describe(found.runtime(), i, compiler.get()));
    }
    return new Availability.Available(devices);
  }

  private DeviceInfo describe(HipRuntime runtime, int device, CompilerLibrary compiler) {
    return new DeviceInfo(
        "hip",
        device,
        runtime.name(device),
        Architecture.of(runtime.library(), device).name()
            + ", wave of "
            + runtime.wave(device)
            + ", HIP "
            + runtime.version()
            + " ("
            + runtime.library().path()
            + "), hipRTC ("
            + compiler.path()
            + "), "
            + HipLibrary.BLAS_LT
                .find(locator())
                .map(blas -> blas.soname() + " (" + blas.path() + ")")
                .orElse("no hipBLASLt, so own matmul")
            + ", own attention; compiled and emulated, not yet run on a GPU",
        runtime.memoryBytes(device));
  }

  private LibraryLocator locator() {
    return HipLibrary.locator(environment);
  }

  @Override
  public List<String> usage() {
    return List.of(
        TrialScope.of(environment).said(CacheDirectory.of(environment, "hip").directory()));
  }

  @Override
  public List<KernelFamily> kernels() {
    return GpuDevice.ownKernels();
  }

  @Override
  public Optional<Device> planned(Optional<String> target) {
    return Optional.of(PlannedHip.device(target.orElse(PlannedHip.USUAL)));
  }

  @Override
  public Device open(DeviceInfo info, DeviceOptions options) {
    if (!(HipProbe.probe(locator()) instanceof HipProbe.Present(HipRuntime runtime, int ignored))) {
      throw missing();
    }
    CompilerLibrary compiler = HipCompiler.find(locator()).orElseThrow(this::missing);
    Architecture architecture = Architecture.of(runtime.library(), info.index());
    if (runtime.wave(info.index()) != architecture.wave()) {
      throw new Failure(
          ExitCode.BACKEND,
          info.name()
              + " runs waves of "
              + runtime.wave(info.index())
              + " where kernels for "
              + architecture.name()
              + " are compiled for "
              + architecture.wave());
    }
    HipDriver driver = new HipDriver(runtime, info.index(), architecture);
    CompiledImages images =
        new CompiledImages(
            CacheDirectory.of(environment, "hip"),
            new HipCompiler(compiler, architecture, driver.hardware().warp()),
            file -> KernelSource.of(file, HipCompiler.FOLDERS));
    ProductTrials trials =
        new ProductTrials(
            driver,
            CacheDirectory.of(environment, "hip"),
            info.name() + ", " + info.details(),
            TrialScope.of(environment),
            options.deterministic());
    Libraries libraries =
        new Libraries(
            HipLibrary.BLAS_LT
                .find(locator())
                .map(
                    found -> {
                      requireSameRuntime(runtime.library(), found);
                      return HipBlasLt.open(found, driver.stream(), architecture, trials);
                    }),
            Optional.empty(),
            List.of());
    return new GpuDevice(info, driver, images, libraries, options);
  }

  /** hipBLASLt may have algorithms that sum in any order. */
  @Override
  public boolean gainsWithoutDeterminism() {
    return true;
  }

  /**
   * Two runtimes in one process, the system's and a wheel's say, do not know of each other's memory
   * and streams.
   */
  static void requireSameRuntime(SharedLibrary runtime, SharedLibrary user) {
    String function = HipFunction.MALLOC.function().name();
    Optional<MemorySegment> used = user.symbols().find(function);
    if (used.isPresent() && !used.equals(runtime.symbols().find(function))) {
      throw new Failure(
          ExitCode.BACKEND,
          user.path()
              + " brings a HIP runtime of its own beside "
              + runtime.path()
              + ": loaded are "
              + String.join(" and ", LibraryLocator.allLoaded("libamdhip64.so"))
              + "; have both of one ROCm, by ROCM_PATH or LD_LIBRARY_PATH");
    }
  }

  private Failure missing() {
    String reason = probe() instanceof Availability.Missing(String why) ? why : "it went away";
    return new Failure(ExitCode.BACKEND, "backend hip is missing: " + reason);
  }
}
