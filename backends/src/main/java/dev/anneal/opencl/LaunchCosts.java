package dev.anneal.opencl;

import dev.anneal.device.ProgramCosts;
import dev.anneal.device.Traffic;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What the launches of an op cost, by the tensors among their arguments. */
final class LaunchCosts {
  private LaunchCosts() {}

  static List<ProgramCosts.Command> of(Op op, Launches launches) {
    List<Set<Tensor>> tensors = launches.list().stream().map(LaunchCosts::tensors).toList();
    List<Traffic> traffic = Traffic.of(List.of(op), tensors);
    List<ProgramCosts.Command> costs = new ArrayList<>();
    boolean filled = false;
    for (int i = 0; i < launches.list().size(); i++) {
      Launch launch = launches.list().get(i);
      Traffic moved = traffic.get(i);
      if (launch.arguments().stream().anyMatch(a -> a instanceof Argument.Workspace)) {
        long bytes = Float.BYTES * launches.workspaceFloats();
        moved = filled ? moved.plus(bytes, 0) : moved.plus(0, bytes);
        filled = true;
      }
      costs.add(
          new ProgramCosts.Command(
              op.kind(),
              launch.kernel(),
              ProgramCosts.By.KERNEL,
              moved.readBytes(),
              moved.writtenBytes()));
    }
    return costs;
  }

  private static Set<Tensor> tensors(Launch launch) {
    Set<Tensor> tensors = new HashSet<>();
    for (Argument argument : launch.arguments()) {
      switch (argument) {
        case Argument.Data(Tensor tensor, long first) -> tensors.add(tensor);
        case Argument.Activations(Tensor tensor, long first) -> tensors.add(tensor);
        case Argument.ArenaOf(Tensor tensor) -> tensors.add(tensor);
        case Argument.Tiles tiles -> tensors.addAll(tiles.tensors());
        default -> {}
      }
    }
    return tensors;
  }
}
