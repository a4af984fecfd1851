package dev.anneal.opencl;

import dev.anneal.device.ProgramCosts;
import dev.anneal.device.Traffic;
import dev.anneal.launch.Argument;
import dev.anneal.launch.Launch;
import dev.anneal.launch.OpLaunches;
import dev.anneal.launch.Place;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What the launches of an op cost, by the tensors among their arguments. */
final class LaunchCosts {
  private LaunchCosts() {}

  static List<ProgramCosts.Command> of(OpLaunches.Group group) {
    Op op = group.ops().getFirst();
    List<Launch> launches = group.commands().stream().map(Launch.class::cast).toList();
    List<Traffic> traffic =
        Traffic.of(List.of(op), launches.stream().map(LaunchCosts::tensors).toList());
    long scratch = group.scratchBytes();
    List<ProgramCosts.Command> costs = new ArrayList<>();
    boolean filled = false;
    for (int i = 0; i < launches.size(); i++) {
      Traffic moved = traffic.get(i);
      if (launches.get(i).arguments().stream().anyMatch(a -> a instanceof Place.Scratch)) {
        moved = filled ? moved.plus(scratch, 0) : moved.plus(0, scratch);
        filled = true;
      }
      costs.add(
          new ProgramCosts.Command(
              op.kind(),
              launches.get(i).kernel(),
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
        case Place.Data(Tensor tensor, long first) -> tensors.add(tensor);
        case Place.Activations(Tensor tensor, long first) -> tensors.add(tensor);
        case Place.ArenaOf(Tensor tensor) -> tensors.add(tensor);
        case Place.Tiles tiles -> tensors.addAll(tiles.tensors());
        default -> {}
      }
    }
    return tensors;
  }
}
