package dev.anneal.hip;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.anneal.gpu.CFunction;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;

/**
 * The functions of libamdhip64 that every ROCm has alike; all but the last two return a result
 * code.
 */
enum HipFunction {
  INIT("hipInit", JAVA_INT),
  RUNTIME_VERSION("hipRuntimeGetVersion", ADDRESS),
  DEVICE_COUNT("hipGetDeviceCount", ADDRESS),
  SET_DEVICE("hipSetDevice", JAVA_INT),
  DEVICE_ATTRIBUTE("hipDeviceGetAttribute", ADDRESS, JAVA_INT, JAVA_INT),
  DEVICE_NAME("hipDeviceGetName", ADDRESS, JAVA_INT, JAVA_INT),
  DEVICE_MEMORY("hipDeviceTotalMem", ADDRESS, JAVA_INT),
  MALLOC("hipMalloc", ADDRESS, JAVA_LONG),
  FREE("hipFree", JAVA_LONG),
  HOST_MALLOC("hipHostMalloc", ADDRESS, JAVA_LONG, JAVA_INT),
  HOST_FREE("hipHostFree", ADDRESS),
  MEMORY_INFO("hipMemGetInfo", ADDRESS, ADDRESS),
  COPY_IN("hipMemcpyHtoDAsync", JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG),
  COPY_OUT("hipMemcpyDtoHAsync", ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG),
  FILL("hipMemsetAsync", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG),
  STREAM_CREATE("hipStreamCreateWithFlags", ADDRESS, JAVA_INT),
  STREAM_DESTROY("hipStreamDestroy", JAVA_LONG),
  STREAM_SYNCHRONIZE("hipStreamSynchronize", JAVA_LONG),
  BEGIN_CAPTURE("hipStreamBeginCapture", JAVA_LONG, JAVA_INT),
  END_CAPTURE("hipStreamEndCapture", JAVA_LONG, ADDRESS),
  GRAPH_INSTANTIATE("hipGraphInstantiateWithFlags", ADDRESS, JAVA_LONG, JAVA_LONG),
  GRAPH_LAUNCH("hipGraphLaunch", JAVA_LONG, JAVA_LONG),
  GRAPH_DESTROY("hipGraphDestroy", JAVA_LONG),
  EXECUTABLE_DESTROY("hipGraphExecDestroy", JAVA_LONG),
  EVENT_CREATE("hipEventCreateWithFlags", ADDRESS, JAVA_INT),
  EVENT_DESTROY("hipEventDestroy", JAVA_LONG),
  EVENT_RECORD("hipEventRecord", JAVA_LONG, JAVA_LONG),
  EVENT_SYNCHRONIZE("hipEventSynchronize", JAVA_LONG),
  EVENT_QUERY("hipEventQuery", JAVA_LONG),
  EVENT_ELAPSED("hipEventElapsedTime", ADDRESS, JAVA_LONG, JAVA_LONG),
  MODULE_LOAD("hipModuleLoadData", ADDRESS, ADDRESS),
  MODULE_UNLOAD("hipModuleUnload", JAVA_LONG),
  MODULE_FUNCTION("hipModuleGetFunction", ADDRESS, JAVA_LONG, ADDRESS),
  MODULE_LAUNCH(
      "hipModuleLaunchKernel",
      JAVA_LONG,
      JAVA_INT,
      JAVA_INT,
      JAVA_INT,
      JAVA_INT,
      JAVA_INT,
      JAVA_INT,
      JAVA_INT,
      JAVA_LONG,
      ADDRESS,
      ADDRESS),
  ERROR_NAME(new CFunction("hipGetErrorName", FunctionDescriptor.of(ADDRESS, JAVA_INT))),
  ERROR_TEXT(new CFunction("hipGetErrorString", FunctionDescriptor.of(ADDRESS, JAVA_INT)));

  private final CFunction function;

  HipFunction(String name, MemoryLayout... parameters) {
    this(CFunction.status(name, parameters));
  }

  HipFunction(CFunction function) {
    this.function = function;
  }

  CFunction function() {
    return function;
  }
}
