package dev.anneal.opencl;

import dev.anneal.device.DeviceInfo;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.LongStream;
import org.jocl.CL;
import org.jocl.Pointer;
import org.jocl.Sizeof;
import org.jocl.cl_device_id;
import org.jocl.cl_platform_id;

/**
 * A device as the OpenCL library names it, and its limits.
 *
 * @param buildOptions added to every build of a kernel, such as {@code -cl-opt-disable}
 */
record DeviceHandle(
    cl_platform_id platform, cl_device_id device, DeviceLimits limits, String buildOptions) {
  private static final String BUILD_OPTIONS = "ANNEAL_OPENCL_OPTIONS";

  /** CL_DEVICE_COMPUTE_CAPABILITY_MAJOR_NV, which JOCL does not have. */
  static final int COMPUTE_CAPABILITY_MAJOR_NV = 0x4000;

  /** CL_DEVICE_SUB_GROUP_SIZES_INTEL, which it does not have, either. */
  static final int SUB_GROUP_SIZES_INTEL = 0x4108;

  static DeviceHandle of(cl_platform_id platform, cl_device_id device) {
    return new DeviceHandle(
        platform,
        device,
        new DeviceLimits(
            text(device, CL.CL_DEVICE_NAME),
            text(device, CL.CL_DEVICE_VENDOR),
            text(device, CL.CL_DEVICE_VERSION),
            text(device, CL.CL_DRIVER_VERSION),
            (number(device, CL.CL_DEVICE_TYPE) & CL.CL_DEVICE_TYPE_CPU) != 0
                && number(device, CL.CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT) > 1,
            (int) number(device, CL.CL_DEVICE_MAX_COMPUTE_UNITS),
            (int) number(device, CL.CL_DEVICE_MAX_CLOCK_FREQUENCY),
            workGroup(device),
            number(device, CL.CL_DEVICE_LOCAL_MEM_SIZE),
            number(device, CL.CL_DEVICE_GLOBAL_MEM_SIZE),
            number(device, CL.CL_DEVICE_MAX_MEM_ALLOC_SIZE),
            (number(device, CL.CL_DEVICE_SINGLE_FP_CONFIG) & CL.CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT)
                != 0,
            SubGroups.of(
                text(device, CL.CL_DEVICE_EXTENSIONS),
                text(device, CL.CL_DEVICE_VENDOR),
                text(device, CL.CL_DEVICE_VERSION)),
            matrixUnits(device)),
        System.getenv().getOrDefault(BUILD_OPTIONS, ""));
  }

  /** The same device, whose kernels are built with these options more. */
  DeviceHandle building(String options) {
    return new DeviceHandle(platform, device, limits, options);
  }

  DeviceInfo describe(int index) {
    return new DeviceInfo(
        "opencl",
        index,
        limits.name(),
        limits.version() + ", driver " + limits.driver() + ", " + units(),
        limits.memoryBytes());
  }

  private static MatrixUnits matrixUnits(cl_device_id device) {
    List<String> extensions = List.of(text(device, CL.CL_DEVICE_EXTENSIONS).strip().split("\\s+"));
    if (extensions.contains("cl_intel_required_subgroup_size")) {
      return MatrixUnits.intel(extensions, smallest(device, SUB_GROUP_SIZES_INTEL));
    }
    return extensions.contains("cl_nv_device_attribute_query")
        ? MatrixUnits.nvidia((int) number(device, COMPUTE_CAPABILITY_MAJOR_NV))
        : MatrixUnits.NONE;
  }

  /** Of the sizes that a property lists; 0 where it lists none. */
  private static long smallest(cl_device_id device, int what) {
    long[] bytes = {0};
    CL.clGetDeviceInfo(device, what, 0, null, bytes);
    long[] sizes = new long[(int) (bytes[0] / Sizeof.size_t)];
    CL.clGetDeviceInfo(device, what, bytes[0], Pointer.to(sizes), null);
    return LongStream.of(sizes).min().orElse(0);
  }

  private String units() {
    return limits.computeUnits() == 1 ? "1 unit" : limits.computeUnits() + " units";
  }

  /** The device's maximum, and no more than its first dimension allows. */
  private static int workGroup(cl_device_id device) {
    long[] sizes = new long[(int) number(device, CL.CL_DEVICE_MAX_WORK_ITEM_DIMENSIONS)];
    CL.clGetDeviceInfo(
        device,
        CL.CL_DEVICE_MAX_WORK_ITEM_SIZES,
        (long) Sizeof.size_t * sizes.length,
        Pointer.to(sizes),
        null);
    return (int)
        Math.min(Math.min(number(device, CL.CL_DEVICE_MAX_WORK_GROUP_SIZE), sizes[0]), 1 << 16);
  }

  private static String text(cl_device_id device, int what) {
    long[] size = {0};
    CL.clGetDeviceInfo(device, what, 0, null, size);
    byte[] bytes = new byte[(int) size[0]];
    CL.clGetDeviceInfo(device, what, bytes.length, Pointer.to(bytes), null);
    int end = bytes.length;
    while (end > 0 && bytes[end - 1] == 0) {
      end--;
    }
    return new String(bytes, 0, end, StandardCharsets.UTF_8).strip();
  }

  /** A property of 4 or 8 bytes; every device of OpenCL is little-endian where a JVM runs. */
  private static long number(cl_device_id device, int what) {
    long[] size = {0};
    CL.clGetDeviceInfo(device, what, 0, null, size);
    long[] value = {0};
    CL.clGetDeviceInfo(device, what, size[0], Pointer.to(value), null);
    return value[0];
  }
}
