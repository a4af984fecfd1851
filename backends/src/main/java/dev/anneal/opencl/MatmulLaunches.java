package dev.anneal.opencl;

import static dev.anneal.opencl.Argument.data;
import static dev.anneal.opencl.Argument.flag;
import static dev.anneal.opencl.Argument.integer;

import dev.anneal.plan.Op;

/** Launches of matmul.cl. */
final class MatmulLaunches {
  private static final Source MATMUL = Source.of("matmul");

  private MatmulLaunches() {}

  static Launches forward(Op.MatmulForward op, KernelVersions versions) {
    int m = Math.toIntExact(op.in().shape().rows());
    int n = op.weight().shape().dim(0);
    int k = op.weight().shape().dim(1);
    return Launches.of(
        Launch.of(
            MATMUL,
            "matmul_forward_v1",
            Grid.items(n, m, versions.limits()),
            data(op.out()),
            data(op.in()),
            data(op.weight()),
            data(op.bias().orElse(op.weight())),
            flag(op.bias().isPresent()),
            integer(m),
            integer(n),
            integer(k)));
  }

  static Launches backwardInput(Op.MatmulBackwardInput op, KernelVersions versions) {
    int m = Math.toIntExact(op.dOut().shape().rows());
    int n = op.weight().shape().dim(0);
    int k = op.weight().shape().dim(1);
    return Launches.of(
        Launch.of(
            MATMUL,
            "matmul_backward_input_v1",
            Grid.items(k, m, versions.limits()),
            data(op.dIn()),
            data(op.dOut()),
            data(op.weight()),
            integer(m),
            integer(n),
            integer(k)));
  }

  static Launches backwardWeight(Op.MatmulBackwardWeight op, KernelVersions versions) {
    int m = Math.toIntExact(op.dOut().shape().rows());
    int n = op.dWeight().shape().dim(0);
    int k = op.dWeight().shape().dim(1);
    return Launches.of(
        Launch.of(
            MATMUL,
            "matmul_backward_weight_v1",
            Grid.items(k, n, versions.limits()),
            data(op.dWeight()),
            data(op.dOut()),
            data(op.in()),
            integer(m),
            integer(n),
            integer(k),
            flag(op.accumulate())));
  }
}
