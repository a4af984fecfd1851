package dev.anneal.opencl;

import dev.anneal.launch.Launch;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jocl.CL;
import org.jocl.CLException;
import org.jocl.Pointer;
import org.jocl.Sizeof;
import org.jocl.cl_context;
import org.jocl.cl_device_id;
import org.jocl.cl_kernel;
import org.jocl.cl_program;

/** Builds kernel files for one device, each when it is first needed. */
final class KernelCompiler implements AutoCloseable {
  /** Builds of one source, when the driver loses its temporary files. */
  private static final int ATTEMPTS = 5;

  private final DeviceHandle handle;
  private final cl_context context;
  private final KernelBinaries binaries;
  private final Map<Source, cl_program> programs = new HashMap<>();

  KernelCompiler(DeviceHandle handle, cl_context context, KernelBinaries binaries) {
    this.handle = handle;
    this.context = context;
    this.binaries = binaries;
  }

  /** A kernel object of its own for {@code launch}, whose arguments stay as they are set. */
  cl_kernel kernel(Launch launch) {
    return kernel(Source.of(launch, handle.limits()), launch.kernel());
  }

  cl_kernel kernel(Source source, String name) {
    return CL.clCreateKernel(programs.computeIfAbsent(source, this::program), name, null);
  }

  private cl_program program(Source source) {
    List<String> text = source.text();
    String options = options(source);
    String name = KernelBinaries.name(source, text, options, handle.limits());
    Optional<cl_program> cached = binaries.read(name).flatMap(b -> fromBinary(b, options));
    if (cached.isPresent()) {
      return cached.orElseThrow();
    }
    cl_program program = fromSource(source, text, options);
    binary(program).ifPresent(b -> binaries.write(name, b));
    return program;
  }

  private String options(Source source) {
    StringBuilder options = new StringBuilder("-cl-std=");
    options.append(source.exchanges() ? handle.limits().subGroups().dialect() : SubGroups.PLAIN);
    if (handle.limits().roundsDivision()) {
      options.append(" -cl-fp32-correctly-rounded-divide-sqrt");
    }
    if (!source.definitions().isEmpty()) {
      options.append(' ').append(source.definitions());
    }
    String more = handle.buildOptions();
    return more.isEmpty() ? options.toString() : options + " " + more;
  }

  private cl_program fromSource(Source source, List<String> text, String options) {
    for (int attempt = 1; ; attempt++) {
      cl_program program =
          CL.clCreateProgramWithSource(
              context, text.size(), text.toArray(String[]::new), null, new int[1]);
      try {
        build(program, options);
        return program;
      } catch (CLException e) {
        String log = log(program);
        CL.clReleaseProgram(program);
        if (attempt == ATTEMPTS || !lostItsFiles(log)) {
          throw OpenClFailures.build(source, handle.limits(), log.isBlank() ? e.toString() : log);
        }
      }
    }
  }

  private void build(cl_program program, String options) {
    CL.clBuildProgram(program, 1, new cl_device_id[] {handle.device()}, options, null, null);
  }

  /**
   * What happens when a thread of the JVM stops at a guarded page meanwhile and LLVM has taken that
   * signal; it gives it back then. The launcher keeps them apart; a program of one's own may not.
   */
  private static boolean lostItsFiles(String log) {
    return log.contains("No such file or directory");
  }

  /** Empty when the driver no longer takes the binary, which is then built again. */
  private Optional<cl_program> fromBinary(byte[] binary, String options) {
    cl_device_id[] devices = {handle.device()};
    try {
      cl_program program =
          CL.clCreateProgramWithBinary(
              context,
              1,
              devices,
              new long[] {binary.length},
              new byte[][] {binary},
              new int[1],
              new int[1]);
      build(program, options);
      return Optional.of(program);
    } catch (CLException e) {
      return Optional.empty();
    }
  }

  /** Empty when the driver gives none. */
  private static Optional<byte[]> binary(cl_program program) {
    try {
      long[] size = {0};
      CL.clGetProgramInfo(
          program, CL.CL_PROGRAM_BINARY_SIZES, Sizeof.size_t, Pointer.to(size), null);
      if (size[0] == 0) {
        return Optional.empty();
      }
      byte[] bytes = new byte[Math.toIntExact(size[0])];
      CL.clGetProgramInfo(
          program, CL.CL_PROGRAM_BINARIES, Sizeof.POINTER, Pointer.to(Pointer.to(bytes)), null);
      return Optional.of(bytes);
    } catch (CLException e) {
      return Optional.empty();
    }
  }

  private String log(cl_program program) {
    try {
      long[] size = {0};
      CL.clGetProgramBuildInfo(program, handle.device(), CL.CL_PROGRAM_BUILD_LOG, 0, null, size);
      byte[] bytes = new byte[Math.toIntExact(size[0])];
      CL.clGetProgramBuildInfo(
          program, handle.device(), CL.CL_PROGRAM_BUILD_LOG, bytes.length, Pointer.to(bytes), null);
      return new String(bytes, StandardCharsets.UTF_8).replace("\0", "");
    } catch (CLException e) {
      return "";
    }
  }

  @Override
  public void close() {
    programs.values().forEach(CL::clReleaseProgram);
    programs.clear();
  }
}
