package dev.anneal.opencl;

import java.util.List;

/**
 * How the work-items of a sub-group exchange numbers on a device, as subgroups.cl is compiled for
 * it.
 *
 * @param definitions e.g. {@code -DSUB_GROUPS=1}; empty where they do not
 * @param dialect of OpenCL C that knows them
 */
record SubGroups(String definitions, String dialect) {
  /** What every device here compiles. */
  static final String PLAIN = "CL1.2";

  static final SubGroups NONE = new SubGroups("", PLAIN);

  /** Of a device that lists these extensions. */
  static SubGroups of(String extensions, String vendor, String version) {
    List<String> offered = List.of(extensions.strip().split("\\s+"));
    String dialect =
        version.startsWith("OpenCL 3") ? "CL3.0" : version.startsWith("OpenCL 2") ? "CL2.0" : PLAIN;
    boolean knows = !dialect.equals(PLAIN) && offered.contains("cl_khr_subgroups");
    if (knows && offered.contains("cl_khr_subgroup_shuffle")) {
      return new SubGroups("-DSUB_GROUPS=1", dialect);
    }
    if (offered.contains("cl_intel_subgroups")) {
      return new SubGroups("-DSUB_GROUPS=2", PLAIN);
    }
    if (knows && vendor.startsWith("Advanced Micro Devices")) {
      return new SubGroups("-DSUB_GROUPS=3", dialect);
    }
    return vendor.startsWith("NVIDIA") ? new SubGroups("-DSUB_GROUPS=4", PLAIN) : NONE;
  }

  /** Groups of {@code size} that exchange through local memory, on any device. */
  static SubGroups emulated(int size) {
    return new SubGroups("-DSUB_GROUPS=0 -DSUB_GROUP_SIZE=" + size, PLAIN);
  }

  boolean offered() {
    return !definitions.isEmpty();
  }
}
