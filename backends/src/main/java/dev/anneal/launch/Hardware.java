package dev.anneal.launch;

import java.util.Optional;

/**
 * What host code needs to know of a GPU to shape its launches.
 *
 * @param warp threads that run in step and can shuffle: 32, or 64 on some of AMD's
 * @param sharedBytes shared memory that a block has without being asked
 * @param sharedOptInBytes the most that it can have when asked
 * @param matrixKernels that multiply bf16 on tensor cores, where it has such
 */
public record Hardware(
    int warp, int sharedBytes, int sharedOptInBytes, Optional<MatrixKernels> matrixKernels) {

  /** Whether there are kernels of a version that not every one has that has tensor cores. */
  public boolean has(MatrixKernels.LaterVersion version) {
    return matrixKernels.filter(kernels -> kernels.later().contains(version)).isPresent();
  }

  /** Without tensor cores, or with such that no kernel knows. */
  public Hardware(int warp, int sharedBytes, int sharedOptInBytes) {
    this(warp, sharedBytes, sharedOptInBytes, Optional.empty());
  }
}
