package dev.anneal.cuda;

import static dev.anneal.cuda.CudaErrors.check;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.ArgumentSlots;
import dev.anneal.gpu.Driver;
import dev.anneal.gpu.PreparedCommand;
import dev.anneal.launch.Argument;
import dev.anneal.launch.Grid;
import dev.anneal.launch.Hardware;
import dev.anneal.launch.Launch;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import jcuda.NativePointerObject;
import jcuda.Pointer;
import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/** The kernels of one file, loaded. */
final class CudaModule implements Driver.Module {
  private final String file;
  private final CUstream stream;
  private final Hardware hardware;
  private final CUmodule module = new CUmodule();
  private final Map<String, CUfunction> functions = new HashMap<>();

  CudaModule(String file, byte[] image, int capability, CUstream stream, Hardware hardware) {
    this.file = file;
    this.stream = stream;
    this.hardware = hardware;
    int code = JCudaDriver.cuModuleLoadData(module, image);
    if (code != CUresult.CUDA_SUCCESS) {
      throw new Failure(
          ExitCode.BACKEND,
          "the driver does not load "
              + file
              + " as compiled for sm_"
              + capability
              + ": "
              + "cuModuleLoadData says "
              + CudaErrors.text(code)
              + "; install a newer driver, or an NVRTC that is not newer than it");
    }
  }

  @Override
  public PreparedCommand prepare(Launch launch) {
    CUfunction function = function(launch.kernel(), launch.sharedBytes());
    Pointer parameters = parameters(launch.arguments());
    Grid grid = launch.grid();
    String doing = "running " + launch.kernel();
    return () ->
        check(
            "cuLaunchKernel",
            JCudaDriver.cuLaunchKernel(
                function,
                Math.toIntExact(grid.x()),
                Math.toIntExact(grid.y()),
                Math.toIntExact(grid.z()),
                grid.width(),
                grid.height(),
                1,
                launch.sharedBytes(),
                stream,
                parameters,
                null),
            doing);
  }

  private CUfunction function(String kernel, int sharedBytes) {
    CUfunction function = functions.computeIfAbsent(kernel, this::find);
    if (sharedBytes > hardware.sharedBytes()) {
      check(
          "cuFuncSetAttribute",
          JCudaDriver.cuFuncSetAttribute(
              function,
              CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
              sharedBytes),
          "giving " + kernel + " " + sharedBytes + " bytes of shared memory");
    }
    return function;
  }

  private CUfunction find(String kernel) {
    CUfunction function = new CUfunction();
    check(
        "cuModuleGetFunction",
        JCudaDriver.cuModuleGetFunction(function, module, kernel),
        "looking for " + kernel + " in " + file);
    return function;
  }

  /** A pointer to pointers to the values. */
  private static Pointer parameters(List<Argument> arguments) {
    ByteBuffer values =
        ByteBuffer.allocateDirect(ArgumentSlots.BYTES * arguments.size())
            .order(ByteOrder.nativeOrder());
    Pointer first = Pointer.to(values);
    NativePointerObject[] pointers = new NativePointerObject[arguments.size()];
    for (int i = 0; i < pointers.length; i++) {
      ArgumentSlots.put(arguments.get(i), values, ArgumentSlots.BYTES * i);
      pointers[i] = first.withByteOffset((long) ArgumentSlots.BYTES * i);
    }
    return Pointer.to(pointers);
  }

  @Override
  public void close() {
    JCudaDriver.cuModuleUnload(module);
  }
}
