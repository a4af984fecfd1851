package dev.anneal.hip;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.CFunction;
import dev.anneal.gpu.SharedLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What kernels are compiled for.
 *
 * @param name as compilers take it, without features, so that code runs whatever they are set to:
 *     {@code gfx90a}
 */
record Architecture(String name) {
  /** More than any version's hipDeviceProp_t has: 792 bytes in ROCm 5.2, 1472 in 6 and 7. */
  private static final int PROPERTIES_BYTES = 16384;

  /** The marketing name, with which the properties begin. */
  private static final int NAME_BYTES = 256;

  private static final Pattern NAME = Pattern.compile("gfx[0-9a-f]{3,}");

  /** Newest first; ROCm 6 has the older function, too, for programs that were built before. */
  private static final List<CFunction> FUNCTIONS =
      List.of(
          CFunction.status("hipGetDevicePropertiesR0600", ADDRESS, JAVA_INT),
          CFunction.status("hipGetDeviceProperties", ADDRESS, JAVA_INT));

  /**
   * The architecture of a device. No attribute says it, and the properties that do have its name at
   * another place in every version of ROCm (396 bytes from its beginning in 5.2, more than a
   * thousand in 6), so it is looked for: the first text after the marketing name that can be one.
   */
  static Architecture of(SharedLibrary runtime, int device) {
    CFunction function =
        FUNCTIONS.stream()
            .filter(each -> runtime.has(each.name()))
            .findFirst()
            .orElse(FUNCTIONS.getLast());
    MethodHandle ask = runtime.function(function);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment properties = arena.allocate(PROPERTIES_BYTES);
      int code = (int) ask.invokeExact(properties, device);
      if (code != 0) {
        throw new Failure(
            ExitCode.BACKEND, function.name() + " says " + code + " for device " + device);
      }
      return in(properties.toArray(JAVA_BYTE));
    } catch (Throwable e) {
      throw SharedLibrary.rethrown(e);
    }
  }

  static boolean isName(String text) {
    return NAME.matcher(text).matches();
  }

  /** The architecture that a hipDeviceProp_t of any version names. */
  static Architecture in(byte[] properties) {
    String text =
        new String(
            properties, NAME_BYTES, properties.length - NAME_BYTES, StandardCharsets.ISO_8859_1);
    Matcher found = NAME.matcher(text);
    if (!found.find()) {
      throw new Failure(
          ExitCode.BACKEND, "the HIP runtime does not say which architecture the device has");
    }
    return new Architecture(found.group());
  }

  /** Threads that run in step, as compilers have it by default. */
  int wave() {
    return name.startsWith("gfx1") ? 32 : 64;
  }

  /** Whether it has the Open Compute Project's formats of 8 bits. */
  boolean hasOpenEightBits() {
    return name.equals("gfx950") || name.startsWith("gfx12");
  }

  /** Whether it has others of 8 bits, FNUZ's. */
  boolean hasFnuz() {
    return name.startsWith("gfx94");
  }

  MatrixUnit matrixUnit() {
    return MatrixUnit.of(name);
  }
}
