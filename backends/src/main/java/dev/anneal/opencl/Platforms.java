package dev.anneal.opencl;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jocl.CL;
import org.jocl.CLException;
import org.jocl.cl_device_id;
import org.jocl.cl_platform_id;

/** The search for devices: all of every platform, or the one reason why there are none. */
final class Platforms {
  private static final String INSTALL =
      "install the GPU vendor's OpenCL driver, or PoCL (Debian: pocl-opencl-icd) to run on the CPU";

  /** Not CL_DEVICE_TYPE_ALL, which JOCL extends to 64 bits and Mesa's rusticl then rejects. */
  private static final long TYPES =
      CL.CL_DEVICE_TYPE_GPU | CL.CL_DEVICE_TYPE_CPU | CL.CL_DEVICE_TYPE_ACCELERATOR;

  private Platforms() {}

  sealed interface Search {}

  record Found(List<DeviceHandle> devices) implements Search {
    Found {
      devices = List.copyOf(devices);
    }
  }

  record Nothing(String reason) implements Search {}

  /** Never throws: what is wrong with the machine is a reason. */
  static Search search() {
    Optional<String> danger = danger();
    if (danger.isPresent()) {
      return new Nothing(danger.get());
    }
    try {
      JoclLibrary.load();
      return devices();
    } catch (CLException e) {
      return new Nothing(
          "no OpenCL platform ("
              + e.getMessage()
              + "); "
              + (brokenDrivers().isEmpty() ? INSTALL : brokenDrivers()));
    } catch (UnsatisfiedLinkError | UnsupportedOperationException e) {
      return new Nothing(
          OpenClLoader.refusal()
                  .orElse(
                      OpenClLoader.name() + " loads, but JOCL does not (" + e.getMessage() + ")")
              + "; "
              + INSTALL);
    }
  }

  /** Why OpenCL's loader must not be called: it would take the process down. */
  static Optional<String> danger() {
    return IcdFile.in(IcdFile.vendors()).stream().flatMap(icd -> icd.danger().stream()).findFirst();
  }

  private static String brokenDrivers() {
    return IcdFile.in(IcdFile.vendors()).stream()
        .flatMap(icd -> icd.problem().stream())
        .collect(Collectors.joining("; "));
  }

  private static Search devices() {
    int[] count = {0};
    CL.clGetPlatformIDs(0, null, count);
    cl_platform_id[] platforms = new cl_platform_id[count[0]];
    CL.clGetPlatformIDs(platforms.length, platforms, null);
    List<DeviceHandle> found = new ArrayList<>();
    List<String> empty = new ArrayList<>();
    Set<String> errors = new TreeSet<>();
    for (cl_platform_id platform : platforms) {
      try {
        for (cl_device_id device : devices(platform)) {
          found.add(DeviceHandle.of(platform, device));
        }
      } catch (CLException e) {
        empty.add(OpenClLibraries.name(platform));
        errors.add(String.valueOf(e.getMessage()));
      }
    }
    return found.isEmpty()
        ? new Nothing(
            "no device on OpenCL's "
                + (empty.size() == 1 ? "platform " : "platforms ")
                + String.join(", ", empty)
                + " ("
                + String.join(", ", errors)
                + "); "
                + (empty.contains(Pocl.PLATFORM) ? Pocl.whyEmpty(System.getenv()) : INSTALL))
        : new Found(found);
  }

  /** A platform without devices answers with an error. */
  private static cl_device_id[] devices(cl_platform_id platform) {
    int[] count = {0};
    CL.clGetDeviceIDs(platform, TYPES, 0, null, count);
    cl_device_id[] devices = new cl_device_id[count[0]];
    CL.clGetDeviceIDs(platform, TYPES, devices.length, devices, null);
    return devices;
  }
}
