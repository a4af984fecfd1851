package dev.anneal.opencl;

import static dev.anneal.opencl.Argument.count;
import static dev.anneal.opencl.Argument.data;
import static dev.anneal.opencl.Argument.integer;

import dev.anneal.plan.Op;

/** Launches of cross_entropy.cl, and the mean of losses from sum.cl. */
final class CrossEntropyLaunches {
  private static final Source CROSS_ENTROPY = Source.of("cross_entropy");
  private static final Source SUM = Source.of("sum");

  private CrossEntropyLaunches() {}

  static Launches forward(Op.CrossEntropyForward op, KernelVersions versions) {
    int m = Math.toIntExact(op.targets().elements());
    return Launches.of(
        Launch.of(
            CROSS_ENTROPY,
            "cross_entropy_forward_v1",
            Grid.items(m, versions.limits()),
            data(op.losses()),
            data(op.logSumExp()),
            data(op.logits()),
            data(op.targets()),
            integer(m),
            integer(op.logits().shape().dim(-1)),
            integer(op.vocabulary())));
  }

  static Launches backward(Op.CrossEntropyBackward op, KernelVersions versions) {
    int m = Math.toIntExact(op.targets().elements());
    int columns = op.logits().shape().dim(-1);
    return Launches.of(
        Launch.of(
            CROSS_ENTROPY,
            "cross_entropy_backward_v1",
            Grid.items(columns, m, versions.limits()),
            data(op.dLogits()),
            data(op.dLosses()),
            data(op.logits()),
            data(op.logSumExp()),
            data(op.targets()),
            integer(columns),
            integer(op.vocabulary())));
  }

  static Launches mean(Op.MeanForward op) {
    return Launches.of(
        Launch.of(
            SUM,
            "mean_forward_v1",
            Grid.single(1, 1),
            data(op.out()),
            data(op.in()),
            count(op.in().elements())));
  }
}
