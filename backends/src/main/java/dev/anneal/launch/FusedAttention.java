package dev.anneal.launch;

import dev.anneal.launch.AttentionSupport.Gradient;
import dev.anneal.launch.AttentionSupport.Shape;
import java.util.function.UnaryOperator;

/** Attention by a library. */
public sealed interface FusedAttention extends Command {
  Shape shape();

  /** out and logSumExp of qkv, as the op of the forward pass has them. */
  record Forward(Shape shape, Place out, Place logSumExp, Place qkv, Place workspace)
      implements FusedAttention {
    @Override
    public Forward at(UnaryOperator<Place> places) {
      return new Forward(
          shape,
          places.apply(out),
          places.apply(logSumExp),
          places.apply(qkv),
          places.apply(workspace));
    }
  }

  /** dQkv and delta, as the op of the backward pass has them. */
  record Backward(
      Shape shape,
      Gradient gradient,
      Place dQkv,
      Place delta,
      Place dOut,
      Place qkv,
      Place out,
      Place logSumExp,
      Place workspace)
      implements FusedAttention {
    @Override
    public Backward at(UnaryOperator<Place> places) {
      return new Backward(
          shape,
          gradient,
          places.apply(dQkv),
          places.apply(delta),
          places.apply(dOut),
          places.apply(qkv),
          places.apply(out),
          places.apply(logSumExp),
          places.apply(workspace));
    }
  }
}
