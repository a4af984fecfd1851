package dev.anneal.launch;

import dev.anneal.device.Suits;
import dev.anneal.device.Suits.Feature;
import dev.anneal.launch.MatrixKernels.LaterVersion;
import java.util.Optional;

/**
 * A GPU that runs kernels in CUDA C++, which HIP's are, too.
 *
 * @param matrices the name of the library that multiplies matrices, where there is one
 * @param attention the name of the library that does attention, where there is one
 */
public record CudaMachine(
    String backend, Hardware hardware, Optional<String> matrices, Optional<String> attention)
    implements Machine {

  @Override
  public boolean has(Feature feature) {
    return switch (feature) {
      case SUB_GROUPS -> true;
      case MATRIX_UNITS -> hardware.matrixKernels().isPresent();
      case LATER_ATTENTION -> hardware.has(LaterVersion.ATTENTION);
      case LATER_PRODUCTS -> hardware.has(LaterVersion.PRODUCTS);
      case MATRIX_LIBRARY -> matrices.isPresent();
      case ATTENTION_LIBRARY -> attention.isPresent();
    };
  }

  @Override
  public boolean isMeant(Suits suits) {
    return suits.machines() != Suits.Machines.CPUS;
  }

  /** Every version may be chosen: where one cannot compute an op, one before it does. */
  @Override
  public Optional<String> lacks(Suits suits) {
    return Optional.empty();
  }

  @Override
  public String library(Suits suits) {
    return suits.needs().contains(Feature.MATRIX_LIBRARY)
        ? matrices.orElse("")
        : suits.needs().contains(Feature.ATTENTION_LIBRARY) ? attention.orElse("") : "";
  }

  @Override
  public String refusing(String kernel, String why) {
    return "the driver does not take " + kernel + " (" + why + ")";
  }
}
