package dev.anneal.plan;

import java.util.List;
import java.util.function.UnaryOperator;

/** The cross-entropy of logits and its gradient, alone and with the products that make logits. */
public interface ClassifierOps {
  /**
   * losses(b,t) = logSumExp(b,t) - logits(b,t,targets(b,t)), in nats; logSumExp over the first
   * {@code vocabulary} of the Vp columns. logits (B,T,Vp), targets, losses, logSumExp (B,T).
   */
  record CrossEntropyForward(
      Tensor losses, Tensor logSumExp, Tensor logits, Tensor targets, int vocabulary)
      implements Op.Forward {
    @Override
    public List<Tensor> reads() {
      return List.of(logits, targets);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(losses, logSumExp);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new CrossEntropyForward(
          f.apply(losses), f.apply(logSumExp), f.apply(logits), f.apply(targets), vocabulary);
    }

    @Override
    public long flops() {
      return 12 * logits.elements();
    }
  }

  /**
   * dLogits(b,t,v) = dLosses(b,t) * (exp(logits(b,t,v) - logSumExp(b,t)) - [v = targets(b,t)]), and
   * 0 for the padded columns.
   */
  record CrossEntropyBackward(
      Tensor dLogits,
      Tensor dLosses,
      Tensor logits,
      Tensor logSumExp,
      Tensor targets,
      int vocabulary)
      implements Op.Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(dLosses, logits, logSumExp, targets);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dLogits);
    }

    @Override
    public List<Tensor> overwritable() {
      return List.of(logits);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new CrossEntropyBackward(
          f.apply(dLogits),
          f.apply(dLosses),
          f.apply(logits),
          f.apply(logSumExp),
          f.apply(targets),
          vocabulary);
    }

    @Override
    public long flops() {
      return 12 * logits.elements();
    }
  }

  /**
   * The end of a forward pass and the start of its backward pass, for {@code rows} tokens at a
   * time, so that the logits of all tokens, by far the largest activation, are never there at once.
   * With logits = in weightᵀ: losses and logSumExp as in {@link CrossEntropyForward}, dLogits as in
   * {@link CrossEntropyBackward}, dWeight (+)= dLogitsᵀ in, dIn = dLogits weight.
   *
   * <p>Chunks are of tokens and not of the vocabulary, since a softmax needs all of its row: a
   * token's loss and gradient are final within its chunk.
   *
   * <p>in, dIn (B,T,C), weight, dWeight (Vp,C), losses, logSumExp, dLosses, targets (B,T); {@code
   * logits} (rows,Vp) is the room for a chunk, which holds the last dLogits in the end.
   *
   * <p>Source: Hsu and others, "Liger Kernel", 2024, fused linear cross entropy.
   */
  record Classifier(
      Tensor losses,
      Tensor logSumExp,
      Tensor logits,
      Tensor dIn,
      Tensor dWeight,
      Tensor in,
      Tensor weight,
      Tensor targets,
      Tensor dLosses,
      int vocabulary,
      boolean accumulate)
      implements Op.ParameterGradient {
    @Override
    public List<Tensor> reads() {
      return List.of(in, weight, targets, dLosses);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(losses, logSumExp, logits, dIn, dWeight);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new Classifier(
          f.apply(losses),
          f.apply(logSumExp),
          f.apply(logits),
          f.apply(dIn),
          f.apply(dWeight),
          f.apply(in),
          f.apply(weight),
          f.apply(targets),
          f.apply(dLosses),
          vocabulary,
          accumulate);
    }

    @Override
    public Op.ParameterGradient accumulating() {
      return new Classifier(
          losses, logSumExp, logits, dIn, dWeight, in, weight, targets, dLosses, vocabulary, true);
    }

    @Override
    public long flops() {
      return targets.elements() * weight.shape().dim(0) * (6L * weight.shape().dim(1) + 24);
    }
  }
}
