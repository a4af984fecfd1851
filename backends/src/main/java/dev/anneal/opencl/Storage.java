package dev.anneal.opencl;

import dev.anneal.launch.Argument;
import dev.anneal.launch.Launch;
import dev.anneal.launch.Place;
import dev.anneal.plan.DType;
import dev.anneal.plan.Tensor;
import java.util.EnumSet;
import java.util.Set;

/** The format that a launch's activations are stored in, which its file is compiled for. */
final class Storage {
  private Storage() {}

  /**
   * One format; fp32 where there are no activations.
   *
   * @throws dev.anneal.failure.Failure when there are several, or other tensors have no 32 bits
   */
  static DType of(Launch launch) {
    Set<DType> stored = EnumSet.noneOf(DType.class);
    for (Argument argument : launch.arguments()) {
      switch (argument) {
        case Place.Activations(Tensor tensor, long first) -> stored.add(tensor.dtype());
        case Place.Data(Tensor tensor, long first) -> requireWide(launch, tensor);
        case Place.ArenaOf(Tensor tensor) -> requireWide(launch, tensor);
        case Place.Tiles tiles -> tiles.tensors().forEach(t -> requireWide(launch, t));
        case Place.Scratch ignored -> {}
        case Place.Table ignored -> {}
        case Place.At ignored -> {}
        case Argument.I32 ignored -> {}
        case Argument.I64 ignored -> {}
        case Argument.F32 ignored -> {}
      }
    }
    if (stored.size() > 1) {
      throw OpenClFailures.mixedStorage(launch.kernel(), stored);
    }
    return stored.stream().findFirst().orElse(DType.F32);
  }

  private static void requireWide(Launch launch, Tensor tensor) {
    if (tensor.dtype().bytes() != Float.BYTES) {
      throw OpenClFailures.narrow(launch.kernel(), tensor);
    }
  }
}
