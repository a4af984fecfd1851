package dev.anneal.opencl;

/**
 * What a device says of itself, from which kernel versions and work-group sizes are chosen.
 *
 * @param version of OpenCL, with what the vendor adds
 * @param cpu whether it computes on a CPU, which wants few large work-items
 * @param workGroup the most work-items of one work-group
 * @param localBytes of memory that a work-group shares
 * @param allocationBytes the most that one buffer should have
 * @param roundsDivision whether division and square root can be correctly rounded
 */
record DeviceLimits(
    String name,
    String vendor,
    String version,
    String driver,
    boolean cpu,
    int computeUnits,
    int workGroup,
    long localBytes,
    long memoryBytes,
    long allocationBytes,
    boolean roundsDivision) {

  /** The same device and driver compile the same source to the same binary. */
  String identity() {
    return String.join("\n", name, vendor, version, driver);
  }
}
