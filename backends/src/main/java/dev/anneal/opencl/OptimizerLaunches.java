package dev.anneal.opencl;

import static dev.anneal.opencl.Argument.count;
import static dev.anneal.opencl.Argument.data;
import static dev.anneal.opencl.Argument.real;
import static dev.anneal.opencl.Argument.workspace;

import dev.anneal.plan.Arena;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Launches of optimizer.cl. */
final class OptimizerLaunches {
  private static final Source OPTIMIZER = Source.of("optimizer");
  private static final Source SUM = Source.of("sum");

  /** Elements whose squares are summed in one go, as in optimizer.cl. */
  private static final int TILE = 4096;

  private OptimizerLaunches() {}

  static Launches globalNorm(Op.GlobalNorm op, KernelVersions versions) {
    return globalNorm(op, versions.of("global_norm"), versions);
  }

  /** By this version. */
  static Launches globalNorm(Op.GlobalNorm op, int version, KernelVersions versions) {
    List<Launch> launches = new ArrayList<>();
    long tiles =
        version == 1
            ? eachGradient(op.gradients(), versions, launches)
            : allGradients(op.gradients(), version, versions, launches);
    boolean group = version >= 4;
    launches.add(
        Launch.of(
            version == 5 ? Source.of("sum", versions.limits().subGroups()) : SUM,
            "root_of_sum_v" + (group ? version : 1),
            group ? Grid.groups(1, 1, KernelCatalog.GROUP, 1) : Grid.single(1, 1),
            data(op.norm()),
            workspace(0),
            count(tiles)));
    return new Launches(launches, tiles);
  }

  /** A launch for each gradient. Returns how many tiles there are. */
  private static long eachGradient(
      List<Tensor> gradients, KernelVersions versions, List<Launch> launches) {
    long tiles = 0;
    for (Tensor gradient : gradients) {
      long n = gradient.elements();
      long own = Math.ceilDiv(n, TILE);
      launches.add(
          Launch.of(
              OPTIMIZER,
              "squares_v1",
              Grid.items(own, versions.limits()),
              workspace(tiles),
              data(gradient),
              count(n)));
      tiles += own;
    }
    return tiles;
  }

  /** A launch for each arena that gradients are in: one. Returns how many tiles there are. */
  private static long allGradients(
      List<Tensor> gradients, int version, KernelVersions versions, List<Launch> launches) {
    Source source =
        version == 5 ? Source.of("optimizer", versions.limits().subGroups()) : OPTIMIZER;
    Map<Arena, List<Tensor>> byArena =
        gradients.stream()
            .collect(
                Collectors.groupingBy(
                    Tensor::arena, () -> new EnumMap<>(Arena.class), Collectors.toList()));
    long first = 0;
    for (List<Tensor> tensors : byArena.values()) {
      Argument.Tiles tiles = new Argument.Tiles(tensors, TILE);
      launches.add(
          Launch.of(
              source,
              "squares_v" + version,
              version != 3
                  ? Grid.groups(tiles.count(), 1, KernelCatalog.GROUP, 1)
                  : Grid.single(tiles.count(), 1),
              workspace(first),
              new Argument.ArenaOf(tensors.getFirst()),
              tiles));
      first += tiles.count();
    }
    return first;
  }

  static Launches adamW(Op.AdamW op, KernelVersions versions) {
    int version = versions.of("adamw");
    long n = op.parameter().elements();
    return Launches.of(
        Launch.of(
            OPTIMIZER,
            "adamw_v" + version,
            ElementwiseLaunches.grid(n, version, versions),
            data(op.parameter()),
            data(op.m()),
            data(op.v()),
            data(op.gradient()),
            data(op.norm()),
            data(op.schedule()),
            real(op.beta1()),
            real(op.beta2()),
            real(op.epsilon()),
            real(op.weightDecay()),
            real(op.maxNorm()),
            count(n)));
  }
}
