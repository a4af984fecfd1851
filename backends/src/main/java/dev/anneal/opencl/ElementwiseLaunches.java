package dev.anneal.opencl;

import static dev.anneal.opencl.Argument.activations;
import static dev.anneal.opencl.Argument.count;
import static dev.anneal.opencl.Argument.data;
import static dev.anneal.opencl.Argument.real;

import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;

/** Launches of elementwise.cl and gelu.cl. */
final class ElementwiseLaunches {
  private static final Source ELEMENTWISE = Source.of("elementwise");
  private static final Source GELU = Source.of("gelu");

  /** Elements per work-item of the versions after the first. */
  private static final int VECTOR = 16;

  private ElementwiseLaunches() {}

  static Launches add(Op.Add op, KernelVersions versions) {
    long n = op.out().elements();
    return Launches.of(
        Launch.of(
            ELEMENTWISE,
            "add_v1",
            Grid.items(n, versions.limits()),
            activations(op.out()),
            activations(op.a()),
            activations(op.b()),
            count(n)));
  }

  static Launches cast(Op.Cast op, KernelVersions versions) {
    long n = op.out().elements();
    return Launches.of(
        Launch.of(
            ELEMENTWISE,
            "cast_v1",
            Grid.items(n, versions.limits()),
            activations(op.out()),
            data(op.in()),
            count(n)));
  }

  static Launches fill(Tensor out, float value, KernelVersions versions) {
    return Launches.of(filling(out, value, versions));
  }

  /** The launch that sets every element of {@code out} to {@code value}. */
  static Launch filling(Tensor out, float value, KernelVersions versions) {
    long n = out.elements();
    return Launch.of(
        ELEMENTWISE, "fill_v1", Grid.items(n, versions.limits()), data(out), real(value), count(n));
  }

  static Launches meanBackward(Op.MeanBackward op, KernelVersions versions) {
    long n = op.dIn().elements();
    return Launches.of(
        Launch.of(
            ELEMENTWISE,
            "mean_backward_v1",
            Grid.items(n, versions.limits()),
            data(op.dIn()),
            data(op.dOut()),
            count(n)));
  }

  static Launches gelu(Op.GeluForward op, KernelVersions versions) {
    int version = versions.of("gelu_forward");
    long n = op.out().elements();
    return Launches.of(
        Launch.of(
            GELU,
            "gelu_forward_v" + version,
            grid(n, version, versions),
            activations(op.out()),
            activations(op.in()),
            count(n)));
  }

  static Launches geluBackward(Op.GeluBackward op, KernelVersions versions) {
    int version = versions.of("gelu_backward");
    long n = op.dIn().elements();
    return Launches.of(
        Launch.of(
            GELU,
            "gelu_backward_v" + version,
            grid(n, version, versions),
            activations(op.dIn()),
            activations(op.dOut()),
            activations(op.in()),
            count(n)));
  }

  /** One work-item per element in version 1, per vector in the later ones. */
  static Grid grid(long elements, int version, KernelVersions versions) {
    return Grid.items(version == 1 ? elements : Math.ceilDiv(elements, VECTOR), versions.limits());
  }
}
