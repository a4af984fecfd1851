package dev.anneal.cuda;

import static dev.anneal.cuda.CudaErrors.check;

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
import dev.anneal.gpu.BlasLt;
import dev.anneal.gpu.CompiledImages;
import dev.anneal.gpu.GpuDevice;
import dev.anneal.gpu.KernelImages;
import dev.anneal.gpu.KernelSource;
import dev.anneal.gpu.Libraries;
import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.LibrarySearch;
import dev.anneal.gpu.ProductTrials;
import dev.anneal.gpu.SharedLibrary;
import dev.anneal.gpu.TrialScope;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.JCudaDriver;

/** NVIDIA GPUs. */
public final class CudaBackend implements Backend {
  private static final int NAME_BYTES = 256;

  private final Map<String, String> environment;

  public CudaBackend() {
    this(System.getenv());
  }

  CudaBackend(Map<String, String> environment) {
    this.environment = Map.copyOf(environment);
  }

  @Override
  public String name() {
    return "cuda";
  }

  @Override
  public Availability probe() {
    try {
      return switch (DriverProbe.probe(locator())) {
        case DriverProbe.Absent(String reason) -> new Availability.Missing(reason);
        case DriverProbe.Present present -> devices(present);
      };
    } catch (Failure e) {
      return new Availability.Missing(e.getMessage());
    }
  }

  @Override
  public List<LibraryInfo> libraries() {
    return CudaLibraries.look(locator());
  }

  private Availability devices(DriverProbe.Present driver) {
    JCudaLibrary.load(cache().directory());
    Optional<Nvrtc> nvrtc = nvrtc();
    int[] count = new int[1];
    check("cuInit", JCudaDriver.cuInit(0), "starting the driver");
    check("cuDeviceGetCount", JCudaDriver.cuDeviceGetCount(count), "counting devices");
    List<DeviceInfo> devices = new ArrayList<>();
    for (int i = 0; i < count[0]; i++) {
      CUdevice device = device(i);
      int capability = capability(device);
      if (nvrtc.isEmpty() && !new PrebuiltImages(capability).there()) {
        return new Availability.Missing(
            "no compiler for CUDA kernels: "
                + new LibrarySearch(locator())
                    .broken(CudaLibrary.NVRTC.sonames())
                    .orElse(CudaLibrary.NVRTC.description() + " is not in " + locator().searched())
                + ", and nvcc did not make images for sm_"
                + capability
                + "; pip install nvidia-cuda-nvrtc brings it");
      }
      devices.add(describe(i, device, capability, driver.version(), nvrtc, cublas(), cudnn()));
    }
    return devices.isEmpty()
        ? new Availability.Missing("the NVIDIA driver finds no GPU")
        : new Availability.Available(devices);
  }

  private LibraryLocator locator() {
    return CudaLibrary.locator(environment);
  }

  private CacheDirectory cache() {
    return CacheDirectory.of(environment, "cuda");
  }

  private KernelImages images(int capability) {
    return nvrtc()
        .<KernelImages>map(
            nvrtc ->
                new CompiledImages(
                    cache(),
                    NvrtcCompiler.of(nvrtc, capability),
                    file -> KernelSource.of(file, List.of(KernelSource.CUDA_FOLDER))))
        .orElseGet(() -> new PrebuiltImages(capability));
  }

  private Optional<Nvrtc> nvrtc() {
    return CudaLibrary.NVRTC.find(locator()).map(Nvrtc::new);
  }

  private Optional<SharedLibrary> cublas() {
    return CudaLibrary.CUBLAS_LT.find(locator());
  }

  private Optional<SharedLibrary> cudnn() {
    return CudaLibrary.CUDNN.find(locator());
  }

  private static CUdevice device(int index) {
    CUdevice device = new CUdevice();
    check("cuDeviceGet", JCudaDriver.cuDeviceGet(device, index), "looking at device " + index);
    return device;
  }

  private static int attribute(CUdevice device, int attribute) {
    int[] value = new int[1];
    check(
        "cuDeviceGetAttribute",
        JCudaDriver.cuDeviceGetAttribute(value, attribute, device),
        "asking what it can");
    return value[0];
  }

  /** E.g. 90 for compute capability 9.0. */
  private static int capability(CUdevice device) {
    return 10 * attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
        + attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  }

  private static DeviceInfo describe(
      int index,
      CUdevice device,
      int capability,
      int driver,
      Optional<Nvrtc> nvrtc,
      Optional<SharedLibrary> cublas,
      Optional<SharedLibrary> cudnn) {
    byte[] name = new byte[NAME_BYTES];
    check(
        "cuDeviceGetName",
        JCudaDriver.cuDeviceGetName(name, NAME_BYTES, device),
        "asking its name");
    long[] bytes = new long[1];
    check("cuDeviceTotalMem", JCudaDriver.cuDeviceTotalMem(bytes, device), "asking its memory");
    String text = new String(name, StandardCharsets.UTF_8);
    return new DeviceInfo(
        "cuda",
        index,
        text.substring(0, text.indexOf('\0')),
        "sm_"
            + capability
            + ", driver for CUDA "
            + driver / 1000
            + "."
            + driver % 1000 / 10
            + ", "
            + nvrtc
                .map(n -> "NVRTC " + n.version() + " (" + n.path() + ")")
                .orElse("kernels as nvcc made them")
            + ", "
            + cublas
                .map(l -> l.soname() + " (" + l.path() + ")")
                .orElse("no cuBLASLt, so own matmul, which is slower")
            + ", "
            + cudnn
                .map(l -> l.soname() + " (" + l.path() + ")")
                .orElse("no cuDNN, so own attention, which is slower"),
        bytes[0]);
  }

  @Override
  public List<String> usage() {
    return List.of(TrialScope.of(environment).said(cache().directory()));
  }

  @Override
  public List<KernelFamily> kernels() {
    return GpuDevice.ownKernels();
  }

  @Override
  public Optional<Device> planned(Optional<String> target) {
    return Optional.of(PlannedCuda.device(target.orElse(PlannedCuda.USUAL)));
  }

  @Override
  public Device open(DeviceInfo info, DeviceOptions options) {
    if (probe() instanceof Availability.Missing(String reason)) {
      throw new Failure(ExitCode.BACKEND, "backend cuda is missing: " + reason);
    }
    CUdevice device = device(info.index());
    int capability = capability(device);
    CudaDriver driver = new CudaDriver(device, capability);
    Libraries libraries = libraries(info, driver, capability, options.deterministic());
    return new GpuDevice(info, driver, images(capability), libraries, options);
  }

  /** cuDNN has engines, and cuBLASLt algorithms, that sum in any order. */
  @Override
  public boolean gainsWithoutDeterminism() {
    return true;
  }

  /** What there is; own kernels do what a library that is missing or does not start would. */
  private Libraries libraries(
      DeviceInfo info, CudaDriver driver, int capability, boolean deterministic) {
    List<String> missing = new ArrayList<>();
    String where = info.name() + ", " + info.details();
    ProductTrials trials =
        new ProductTrials(driver, cache(), where, TrialScope.of(environment), deterministic);
    Optional<BlasLt> matrices =
        opened(
            "multiply matrices",
            CudaLibrary.CUBLAS_LT,
            missing,
            found -> CublasLt.open(found, driver.stream(), capability, Optional.of(trials)));
    CudnnTrial trial = new CudnnTrial(driver, cache(), where);
    Optional<CudnnAttention> attention =
        opened(
            "do attention",
            CudaLibrary.CUDNN,
            missing,
            found -> new CudnnAttention(found, driver.stream(), trial, deterministic));
    return new Libraries(matrices, attention, missing);
  }

  private <T> Optional<T> opened(
      String purpose, CudaLibrary library, List<String> missing, Function<SharedLibrary, T> open) {
    Optional<SharedLibrary> found = library.find(locator());
    String reason = found.isPresent() ? "" : CudaLibraries.whyMissing(library, locator());
    try {
      if (found.isPresent()) {
        return found.map(open);
      }
    } catch (CudnnException e) {
      reason = found.orElseThrow().path() + " does not start: " + e.getMessage();
    } catch (Failure e) {
      reason = e.getMessage();
    }
    missing.add(reason + "; own kernels " + purpose + ", which is slower");
    return Optional.empty();
  }
}
