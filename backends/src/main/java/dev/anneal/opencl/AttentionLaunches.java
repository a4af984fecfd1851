package dev.anneal.opencl;

import static dev.anneal.opencl.Argument.data;
import static dev.anneal.opencl.Argument.integer;
import static dev.anneal.opencl.Argument.real;

import dev.anneal.plan.Op;
import dev.anneal.plan.Shape;

/** Launches of attention.cl, which is compiled for each head size. */
final class AttentionLaunches {
  private AttentionLaunches() {}

  private record Sizes(int batch, int t, int heads, int headSize) {
    static Sizes of(Shape out, int heads) {
      return new Sizes(out.dim(0), out.dim(1), heads, out.dim(2) / heads);
    }

    Source source() {
      return new Source("attention", "-DHEAD_SIZE=" + headSize);
    }

    float scale() {
      return (float) (1 / Math.sqrt(headSize));
    }

    /** Pairs of query and head. */
    long queries() {
      return (long) batch * heads * t;
    }
  }

  static Launches forward(Op.AttentionForward op, KernelVersions versions) {
    Sizes s = Sizes.of(op.out().shape(), op.heads());
    return Launches.of(
        Launch.of(
            s.source(),
            "attention_forward_v1",
            Grid.items(s.queries(), versions.limits()),
            data(op.out()),
            data(op.logSumExp()),
            data(op.qkv()),
            integer(s.batch()),
            integer(s.t()),
            integer(s.heads()),
            real(s.scale())));
  }

  static Launches backward(Op.AttentionBackward op, KernelVersions versions) {
    Sizes s = Sizes.of(op.out().shape(), op.heads());
    return Launches.of(
        Launch.of(
            s.source(),
            "attention_delta_v1",
            Grid.items(s.queries(), versions.limits()),
            data(op.delta()),
            data(op.dOut()),
            data(op.out()),
            integer(s.batch()),
            integer(s.t()),
            integer(s.heads())),
        toInput("attention_backward_query_v1", op, s, versions),
        toInput("attention_backward_key_v1", op, s, versions));
  }

  private static Launch toInput(
      String kernel, Op.AttentionBackward op, Sizes s, KernelVersions versions) {
    return Launch.of(
        s.source(),
        kernel,
        Grid.items(s.queries(), versions.limits()),
        data(op.dQkv()),
        data(op.delta()),
        data(op.dOut()),
        data(op.qkv()),
        data(op.logSumExp()),
        integer(s.batch()),
        integer(s.t()),
        integer(s.heads()),
        real(s.scale()));
  }

  static Launches cached(Op.CachedAttention op, KernelVersions versions) {
    Sizes s = Sizes.of(op.out().shape(), op.heads());
    int c = s.heads() * s.headSize();
    int room = op.keyCache().shape().dim(1);
    return Launches.of(
        Launch.of(
            s.source(),
            "append_to_caches_v1",
            Grid.items(c, (long) s.batch() * s.t(), versions.limits()),
            data(op.keyCache()),
            data(op.valueCache()),
            data(op.qkv()),
            data(op.position()),
            integer(s.t()),
            integer(room),
            integer(c)),
        Launch.of(
            s.source(),
            "cached_attention_v1",
            Grid.items(s.queries(), versions.limits()),
            data(op.out()),
            data(op.keyCache()),
            data(op.valueCache()),
            data(op.qkv()),
            data(op.position()),
            integer(s.batch()),
            integer(s.t()),
            integer(room),
            integer(s.heads()),
            real(s.scale())));
  }
}
