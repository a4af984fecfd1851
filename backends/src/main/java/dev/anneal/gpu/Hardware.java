package dev.anneal.gpu;

/**
 * What host code needs to know of a GPU to shape its launches.
 *
 * @param warp threads that run in step and can shuffle: 32, or 64 on some of AMD's
 * @param sharedBytes shared memory that a block has without being asked
 * @param sharedOptInBytes the most that it can have when asked
 * @param tensorCores whether kernels that multiply bf16 on tensor cores run on it
 */
public record Hardware(int warp, int sharedBytes, int sharedOptInBytes, boolean tensorCores) {

  /** Without tensor cores, or with such that no kernel knows. */
  public Hardware(int warp, int sharedBytes, int sharedOptInBytes) {
    this(warp, sharedBytes, sharedOptInBytes, false);
  }
}
