package dev.anneal.opencl;

import static dev.anneal.opencl.Argument.data;
import static dev.anneal.opencl.Argument.flag;
import static dev.anneal.opencl.Argument.integer;
import static dev.anneal.opencl.Argument.real;

import dev.anneal.plan.Op;

/** Launches of layernorm.cl. */
final class LayerNormLaunches {
  private static final Source LAYERNORM = Source.of("layernorm");

  private LayerNormLaunches() {}

  static Launches forward(Op.LayerNormForward op, KernelVersions versions) {
    int m = Math.toIntExact(op.in().shape().rows());
    int c = op.in().shape().dim(-1);
    return Launches.of(
        Launch.of(
            LAYERNORM,
            "layernorm_forward_v1",
            Grid.items(m, versions.limits()),
            data(op.out()),
            data(op.mean()),
            data(op.rstd()),
            data(op.in()),
            data(op.weight()),
            data(op.bias()),
            integer(m),
            integer(c),
            real(op.epsilon())));
  }

  static Launches backward(Op.LayerNormBackward op, KernelVersions versions) {
    int m = Math.toIntExact(op.in().shape().rows());
    int c = op.in().shape().dim(-1);
    // The weights first: dIn may take the place of what only the rows' kernel reads.
    return Launches.of(
        Launch.of(
            LAYERNORM,
            "layernorm_backward_weight_v1",
            Grid.items(c, versions.limits()),
            data(op.dWeight()),
            data(op.dBias()),
            data(op.dOut()),
            data(op.in()),
            data(op.mean()),
            data(op.rstd()),
            integer(m),
            integer(c),
            flag(op.accumulate())),
        Launch.of(
            LAYERNORM,
            "layernorm_backward_v1",
            Grid.items(m, versions.limits()),
            data(op.dIn()),
            data(op.dOut()),
            data(op.in()),
            data(op.weight()),
            data(op.mean()),
            data(op.rstd()),
            data(op.residual().orElse(op.dOut())),
            flag(op.residual().isPresent()),
            integer(m),
            integer(c)));
  }
}
