package dev.anneal.opencl;

import static dev.anneal.opencl.Argument.data;
import static dev.anneal.opencl.Argument.flag;
import static dev.anneal.opencl.Argument.integer;
import static dev.anneal.opencl.Argument.workspace;

import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;

/** Launches of embedding.cl. */
final class EmbeddingLaunches {
  private static final Source EMBEDDING = Source.of("embedding");

  private EmbeddingLaunches() {}

  static Launches forward(Op.EmbeddingForward op, KernelVersions versions) {
    int c = op.wte().shape().dim(-1);
    return Launches.of(
        Launch.of(
            EMBEDDING,
            "embedding_forward_v1",
            Grid.items(c, op.tokens().elements(), versions.limits()),
            data(op.out()),
            data(op.tokens()),
            data(op.wte()),
            data(op.wpe()),
            data(op.start().orElse(op.tokens())),
            flag(op.start().isPresent()),
            integer(op.tokens().shape().dim(-1)),
            integer(c)));
  }

  static Launches tokenBackward(Op.TokenEmbeddingBackward op, KernelVersions versions) {
    int m = Math.toIntExact(op.tokens().elements());
    int c = op.dWte().shape().dim(1);
    List<Launch> launches = new ArrayList<>();
    if (!op.accumulate()) {
      launches.add(ElementwiseLaunches.filling(op.dWte(), 0, versions));
    }
    if (versions.of("token_embedding_backward") == 1) {
      launches.add(
          Launch.of(
              EMBEDDING,
              "token_embedding_backward_v1",
              Grid.items(c, versions.limits()),
              data(op.dWte()),
              data(op.dOut()),
              data(op.tokens()),
              integer(m),
              integer(c)));
      return new Launches(launches, 0);
    }
    launches.add(
        Launch.of(
            EMBEDDING,
            "link_tokens_v2",
            Grid.items(m, versions.limits()),
            workspace(0),
            workspace(m),
            data(op.tokens()),
            integer(m)));
    launches.add(
        Launch.of(
            EMBEDDING,
            "token_embedding_backward_v2",
            Grid.items(c, m, versions.limits()),
            data(op.dWte()),
            data(op.dOut()),
            data(op.tokens()),
            workspace(0),
            workspace(m),
            integer(m),
            integer(c)));
    return new Launches(launches, 2L * m);
  }

  static Launches positionBackward(Op.PositionEmbeddingBackward op, KernelVersions versions) {
    int c = op.dWpe().shape().dim(1);
    return Launches.of(
        Launch.of(
            EMBEDDING,
            "position_embedding_backward_v1",
            Grid.items(c, op.dWpe().shape().dim(0), versions.limits()),
            data(op.dWpe()),
            data(op.dOut()),
            integer(op.dOut().shape().dim(0)),
            integer(op.dOut().shape().dim(1)),
            integer(c),
            flag(op.accumulate())));
  }
}
