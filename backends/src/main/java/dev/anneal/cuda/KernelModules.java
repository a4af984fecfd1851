package dev.anneal.cuda;

import static dev.anneal.cuda.CudaErrors.check;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.plan.DType;
import java.util.HashMap;
import java.util.Map;
import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/** The kernels that are loaded on one device; each file when it is first needed. */
final class KernelModules implements AutoCloseable {
  private record ModuleKey(String file, DType real) {}

  private record FunctionKey(ModuleKey module, String kernel) {}

  private final KernelImages images;
  private final int capability;
  private final Map<ModuleKey, CUmodule> modules = new HashMap<>();
  private final Map<FunctionKey, CUfunction> functions = new HashMap<>();

  KernelModules(KernelImages images, int capability) {
    this.images = images;
    this.capability = capability;
  }

  /**
   * A kernel that can be launched with {@code sharedBytes}.
   *
   * @throws Failure when it cannot be compiled, or the driver does not take the image
   */
  CUfunction function(String file, DType real, String kernel, int sharedBytes) {
    ModuleKey module = new ModuleKey(file, real);
    CUfunction function =
        functions.computeIfAbsent(
            new FunctionKey(module, kernel), key -> load(module(key.module()), key));
    if (sharedBytes > OpContext.SHARED_BYTES) {
      check(
          JCudaDriver.cuFuncSetAttribute(
              function,
              CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
              sharedBytes),
          "giving " + kernel + " " + sharedBytes + " bytes of shared memory");
    }
    return function;
  }

  private static CUfunction load(CUmodule module, FunctionKey key) {
    CUfunction function = new CUfunction();
    check(
        JCudaDriver.cuModuleGetFunction(function, module, key.kernel()),
        "looking for " + key.kernel() + " in " + key.module().file());
    return function;
  }

  private CUmodule module(ModuleKey key) {
    CUmodule known = modules.get(key);
    if (known != null) {
      return known;
    }
    CUmodule module = new CUmodule();
    int code =
        JCudaDriver.cuModuleLoadData(module, images.image(key.file(), key.real(), capability));
    if (code != CUresult.CUDA_SUCCESS) {
      throw new Failure(
          ExitCode.BACKEND,
          "the driver does not load "
              + key.file()
              + " as compiled for sm_"
              + capability
              + ": "
              + CUresult.stringFor(code)
              + "; install a newer driver, or an NVRTC that is not newer than it");
    }
    modules.put(key, module);
    return module;
  }

  @Override
  public void close() {
    modules.values().forEach(JCudaDriver::cuModuleUnload);
    modules.clear();
    functions.clear();
  }
}
