package dev.anneal.opencl;

import dev.anneal.plan.DType;
import dev.anneal.plan.Tensor;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * One launch of a kernel, as data: which, over which work-items, with what. Its source is built for
 * the dtype that its activations are stored in and for the version that the kernel's name ends
 * with.
 *
 * @param work that it has at most
 */
record Launch(Source source, String kernel, Grid grid, List<Argument> arguments, Work work) {
  Launch {
    arguments = List.copyOf(arguments);
    source = source.storing(storage(kernel, arguments)).with(kernel);
  }

  /** Of work that nobody has told yet. */
  Launch(Source source, String kernel, Grid grid, List<Argument> arguments) {
    this(source, kernel, grid, arguments, Work.NONE);
  }

  Launch with(Work all) {
    return new Launch(source, kernel, grid, arguments, all);
  }

  static Launch of(Source source, String kernel, Grid grid, Argument... arguments) {
    return new Launch(source, kernel, grid, List.of(arguments));
  }

  private static DType storage(String kernel, List<Argument> arguments) {
    Set<DType> stored = EnumSet.noneOf(DType.class);
    for (Argument argument : arguments) {
      switch (argument) {
        case Argument.Activations(Tensor tensor, long first) -> stored.add(tensor.dtype());
        case Argument.Data(Tensor tensor, long first) -> requireWide(kernel, tensor);
        case Argument.ArenaOf(Tensor tensor) -> requireWide(kernel, tensor);
        case Argument.Tiles tiles -> tiles.tensors().forEach(t -> requireWide(kernel, t));
        case Argument.Workspace w -> {}
        case Argument.Int i -> {}
        case Argument.Long l -> {}
        case Argument.Real r -> {}
      }
    }
    if (stored.size() > 1) {
      throw OpenClFailures.mixedStorage(kernel, stored);
    }
    return stored.stream().findFirst().orElse(DType.F32);
  }

  private static void requireWide(String kernel, Tensor tensor) {
    if (tensor.dtype().bytes() != Float.BYTES) {
      throw OpenClFailures.narrow(kernel, tensor);
    }
  }
}
