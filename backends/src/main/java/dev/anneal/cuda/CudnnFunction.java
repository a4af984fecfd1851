package dev.anneal.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.anneal.gpu.CFunction;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;

/** The functions of cuDNN that are called here; all but the last three return a result code. */
enum CudnnFunction {
  CREATE("cudnnCreate", ADDRESS),
  DESTROY("cudnnDestroy", ADDRESS),
  SET_STREAM("cudnnSetStream", ADDRESS, JAVA_LONG),
  CREATE_DESCRIPTOR("cudnnBackendCreateDescriptor", JAVA_INT, ADDRESS),
  DESTROY_DESCRIPTOR("cudnnBackendDestroyDescriptor", ADDRESS),
  SET_ATTRIBUTE("cudnnBackendSetAttribute", ADDRESS, JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS),
  GET_ATTRIBUTE(
      "cudnnBackendGetAttribute", ADDRESS, JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS),
  FINALIZE("cudnnBackendFinalize", ADDRESS),
  EXECUTE("cudnnBackendExecute", ADDRESS, ADDRESS, ADDRESS),
  VERSION(new CFunction("cudnnGetVersion", FunctionDescriptor.of(JAVA_LONG))),
  ERROR_TEXT(new CFunction("cudnnGetErrorString", FunctionDescriptor.of(ADDRESS, JAVA_INT))),
  LAST_ERROR(
      new CFunction("cudnnGetLastErrorString", FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG)));

  private final CFunction function;

  CudnnFunction(String name, MemoryLayout... parameters) {
    this(CFunction.status(name, parameters));
  }

  CudnnFunction(CFunction function) {
    this.function = function;
  }

  CFunction function() {
    return function;
  }
}
