package dev.anneal.opencl;

import static dev.anneal.opencl.Argument.activations;
import static dev.anneal.opencl.Argument.count;
import static dev.anneal.opencl.Argument.data;
import static dev.anneal.opencl.Argument.integer;

import dev.anneal.plan.Op;

/** Launches of cross_entropy.cl, and the mean of losses from sum.cl. */
final class CrossEntropyLaunches {
  private static final Source CROSS_ENTROPY = Source.of("cross_entropy");
  private static final Source SUM = Source.of("sum");

  /** Logits per work-item of the backward versions after the first. */
  private static final int VECTOR = 16;

  private CrossEntropyLaunches() {}

  static Launches forward(Op.CrossEntropyForward op, KernelVersions versions) {
    int m = Math.toIntExact(op.targets().elements());
    int version = versions.of("cross_entropy_forward");
    return Launches.of(
        Launch.of(
            version == 4
                ? Source.of("cross_entropy", versions.limits().subGroups())
                : CROSS_ENTROPY,
            "cross_entropy_forward_v" + version,
            switch (version) {
              case 1 -> Grid.items(m, versions.limits());
              case 2, 4 -> Grid.groups(m, 1, KernelCatalog.GROUP, 1);
              default -> Grid.single(m, 1);
            },
            data(op.losses()),
            data(op.logSumExp()),
            activations(op.logits()),
            data(op.targets()),
            integer(m),
            integer(op.logits().shape().dim(-1)),
            integer(op.vocabulary())));
  }

  static Launches backward(Op.CrossEntropyBackward op, KernelVersions versions) {
    int m = Math.toIntExact(op.targets().elements());
    int columns = op.logits().shape().dim(-1);
    int version = versions.of("cross_entropy_backward");
    return Launches.of(
        Launch.of(
            CROSS_ENTROPY,
            "cross_entropy_backward_v" + version,
            Grid.items(
                version == 1 ? columns : Math.ceilDiv(columns, VECTOR), m, versions.limits()),
            activations(op.dLogits()),
            data(op.dLosses()),
            activations(op.logits()),
            data(op.logSumExp()),
            data(op.targets()),
            integer(columns),
            integer(op.vocabulary())));
  }

  static Launches mean(Op.MeanForward op, KernelVersions versions) {
    int version = versions.of("mean_forward");
    return Launches.of(
        Launch.of(
            version == 3 ? Source.of("sum", versions.limits().subGroups()) : SUM,
            "mean_forward_v" + version,
            version == 1 ? Grid.single(1, 1) : Grid.groups(1, 1, KernelCatalog.GROUP, 1),
            data(op.out()),
            data(op.in()),
            count(op.in().elements())));
  }
}
