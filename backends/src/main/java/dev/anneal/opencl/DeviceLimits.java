package dev.anneal.opencl;

import dev.anneal.launch.OpenClMachine;

/**
 * What a device says of itself, from which kernel versions and work-group sizes are chosen.
 *
 * @param version of OpenCL, with what the vendor adds
 * @param vectors whether it is a CPU whose compiler keeps vectors, and so wants few large
 *     work-items; one that takes vectors apart to run work-items side by side is used like a GPU
 * @param megahertz of its units, at most; 0 where it does not say
 * @param workGroup the most work-items of one work-group
 * @param localBytes of memory that a work-group shares
 * @param allocationBytes the most that one buffer should have
 * @param subGroups how work-items exchange numbers without local memory, if they do
 * @param matrixUnits that multiply bf16, if there are any
 * @param roundsDivision whether division and square root can be correctly rounded
 */
record DeviceLimits(
    String name,
    String vendor,
    String version,
    String driver,
    boolean vectors,
    int computeUnits,
    int megahertz,
    int workGroup,
    long localBytes,
    long memoryBytes,
    long allocationBytes,
    boolean roundsDivision,
    SubGroups subGroups,
    MatrixUnits matrixUnits) {

  /** Of a device without sub-groups and matrix units. */
  DeviceLimits(
      String name,
      String vendor,
      String version,
      String driver,
      boolean vectors,
      int computeUnits,
      int megahertz,
      int workGroup,
      long localBytes,
      long memoryBytes,
      long allocationBytes,
      boolean roundsDivision) {
    this(
        name,
        vendor,
        version,
        driver,
        vectors,
        computeUnits,
        megahertz,
        workGroup,
        localBytes,
        memoryBytes,
        allocationBytes,
        roundsDivision,
        SubGroups.NONE,
        MatrixUnits.NONE);
  }

  /** What versions of kernels are chosen by. */
  OpenClMachine machine() {
    return new OpenClMachine(
        name,
        vectors,
        workGroup,
        localBytes,
        subGroups.offered(),
        matrixUnits.offered() ? matrixUnits.items() : 0);
  }

  /** The same device and driver compile the same source to the same binary. */
  String identity() {
    return String.join("\n", name, vendor, version, driver);
  }
}
