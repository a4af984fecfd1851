package dev.anneal.gpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;

/** The functions of NVRTC and hipRTC: which of the two has them, and what they take. */
public enum CompilerFunction {
  VERSION("Version", ADDRESS, ADDRESS),
  CREATE_PROGRAM("CreateProgram", ADDRESS, ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS),
  COMPILE_PROGRAM("CompileProgram", ADDRESS, JAVA_INT, ADDRESS),
  DESTROY_PROGRAM("DestroyProgram", ADDRESS),
  GET_PROGRAM_LOG_SIZE("GetProgramLogSize", ADDRESS, ADDRESS),
  GET_PROGRAM_LOG("GetProgramLog", ADDRESS, ADDRESS),
  /** hipRTC's result. */
  GET_CODE_SIZE("GetCodeSize", ADDRESS, ADDRESS),
  GET_CODE("GetCode", ADDRESS, ADDRESS),
  /** NVRTC's results. */
  GET_CUBIN_SIZE("GetCUBINSize", ADDRESS, ADDRESS),
  GET_CUBIN("GetCUBIN", ADDRESS, ADDRESS),
  GET_PTX_SIZE("GetPTXSize", ADDRESS, ADDRESS),
  GET_PTX("GetPTX", ADDRESS, ADDRESS),
  /** NVRTC's alone. */
  GET_NUM_SUPPORTED_ARCHS("GetNumSupportedArchs", ADDRESS),
  GET_SUPPORTED_ARCHS("GetSupportedArchs", ADDRESS);

  private final String name;
  private final MemoryLayout[] parameters;

  CompilerFunction(String name, MemoryLayout... parameters) {
    this.name = name;
    this.parameters = parameters;
  }

  /** As the library has it whose functions' names begin with {@code prefix}. */
  public CFunction of(String prefix) {
    return CFunction.status(prefix + name, parameters);
  }

  /** The text of a result code. */
  public static CFunction errorString(String prefix) {
    return new CFunction(prefix + "GetErrorString", FunctionDescriptor.of(ADDRESS, JAVA_INT));
  }
}
