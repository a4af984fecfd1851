package dev.anneal.opencl;

import static dev.anneal.opencl.Argument.data;
import static dev.anneal.opencl.Argument.flag;
import static dev.anneal.opencl.Argument.integer;

import dev.anneal.plan.Op;

/** Launches of bias.cl. */
final class BiasLaunches {
  private static final Source BIAS = Source.of("bias");

  private BiasLaunches() {}

  static Launches backward(Op.BiasBackward op, KernelVersions versions) {
    int m = Math.toIntExact(op.dOut().shape().rows());
    int n = op.dBias().shape().dim(0);
    return Launches.of(
        Launch.of(
            BIAS,
            "bias_backward_v1",
            Grid.items(n, versions.limits()),
            data(op.dBias()),
            data(op.dOut()),
            integer(m),
            integer(n),
            flag(op.accumulate())));
  }
}
