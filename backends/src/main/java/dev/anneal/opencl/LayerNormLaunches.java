package dev.anneal.opencl;

import static dev.anneal.opencl.Argument.activations;
import static dev.anneal.opencl.Argument.data;
import static dev.anneal.opencl.Argument.flag;
import static dev.anneal.opencl.Argument.integer;
import static dev.anneal.opencl.Argument.real;
import static dev.anneal.opencl.Argument.workspace;

import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;

/** Launches of layernorm.cl, whose tile sizes are repeated here. */
final class LayerNormLaunches {
  private static final Source LAYERNORM = Source.of("layernorm");
  private static final int TILE_ROWS = 32;
  private static final int VECTOR = 16;

  private LayerNormLaunches() {}

  /** One work-item, work-group, or work-item with a work-group to itself, per row. */
  private static Grid rows(int m, int version, KernelVersions versions) {
    return switch (version) {
      case 1 -> Grid.items(m, versions.limits());
      case 2, 4 -> Grid.groups(m, 1, KernelCatalog.GROUP, 1);
      default -> Grid.single(m, 1);
    };
  }

  private static Source source(int version, KernelVersions versions) {
    return version == 4 ? Source.of("layernorm", versions.limits().subGroups()) : LAYERNORM;
  }

  static Launches forward(Op.LayerNormForward op, KernelVersions versions) {
    int m = Math.toIntExact(op.in().shape().rows());
    int c = op.in().shape().dim(-1);
    int version = versions.of("layernorm_forward");
    return Launches.of(
        Launch.of(
            source(version, versions),
            "layernorm_forward_v" + version,
            rows(m, version, versions),
            activations(op.out()),
            data(op.mean()),
            data(op.rstd()),
            activations(op.in()),
            data(op.weight()),
            data(op.bias()),
            integer(m),
            integer(c),
            real(op.epsilon())));
  }

  static Launches backward(Op.LayerNormBackward op, KernelVersions versions) {
    int m = Math.toIntExact(op.in().shape().rows());
    int c = op.in().shape().dim(-1);
    int version = versions.of("layernorm_backward");
    int tiles = Math.ceilDiv(m, TILE_ROWS);
    long half = (long) tiles * c;
    List<Launch> launches = new ArrayList<>();
    // The weights first: dIn may take the place of what only the rows' kernel reads.
    if (version == 1) {
      launches.add(plainWeights(op, m, c, versions));
    } else {
      launches.add(
          Launch.of(
              LAYERNORM,
              "layernorm_backward_weight_v" + (version == 3 ? 3 : 2),
              version != 3
                  ? Grid.items(c, tiles, versions.limits())
                  : Grid.single(Math.ceilDiv(c, VECTOR), tiles),
              workspace(0),
              workspace(half),
              activations(op.dOut()),
              activations(op.in()),
              data(op.mean()),
              data(op.rstd()),
              integer(m),
              integer(c)));
      launches.add(TileSums.add(data(op.dWeight()), 0, tiles, c, op.accumulate(), versions));
      launches.add(TileSums.add(data(op.dBias()), half, tiles, c, op.accumulate(), versions));
    }
    launches.add(
        Launch.of(
            source(version, versions),
            "layernorm_backward_v" + version,
            rows(m, version, versions),
            activations(op.dIn()),
            activations(op.dOut()),
            activations(op.in()),
            data(op.weight()),
            data(op.mean()),
            data(op.rstd()),
            activations(op.residual().orElse(op.dOut())),
            flag(op.residual().isPresent()),
            integer(m),
            integer(c)));
    return new Launches(launches, version == 1 ? 0 : 2 * half);
  }

  private static Launch plainWeights(
      Op.LayerNormBackward op, int m, int c, KernelVersions versions) {
    return Launch.of(
        LAYERNORM,
        "layernorm_backward_weight_v1",
        Grid.items(c, versions.limits()),
        data(op.dWeight()),
        data(op.dBias()),
        activations(op.dOut()),
        activations(op.in()),
        data(op.mean()),
        data(op.rstd()),
        integer(m),
        integer(c),
        flag(op.accumulate()));
  }
}
