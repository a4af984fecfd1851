package dev.anneal.plan;

import dev.anneal.plan.Operand.Fp32;
import dev.anneal.plan.Operand.Integers;
import dev.anneal.plan.Operand.Overwritable;
import dev.anneal.plan.Operand.Reads;
import dev.anneal.plan.Operand.Writes;

/** The cross-entropy of logits and its gradient, alone and with the products that make logits. */
public interface ClassifierOps {
  /**
   * losses(b,t) = logSumExp(b,t) - logits(b,t,targets(b,t)), in nats; logSumExp over the first
   * {@code vocabulary} of the Vp columns. logits (B,T,Vp), targets, losses, logSumExp (B,T).
   */
  record CrossEntropyForward(
      @Writes("...") @Fp32 Tensor losses,
      @Writes("...") @Fp32 Tensor logSumExp,
      @Reads("...,Vp>=vocabulary") Tensor logits,
      @Reads("...") @Integers Tensor targets,
      int vocabulary)
      implements Op.Forward {
    public CrossEntropyForward {
      Operands.fit(CrossEntropyForward.class, losses, logSumExp, logits, targets, vocabulary);
    }

    @Override
    public long flops() {
      return 12 * logits.elements();
    }

    @Override
    public void differentiate(Backward backward) {
      Tensor dLosses = backward.arrived(losses);
      backward.contribute(
          logits,
          dLogits ->
              new CrossEntropyBackward(dLogits, dLosses, logits, logSumExp, targets, vocabulary));
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.SUM;
    }
  }

  /**
   * dLogits(b,t,v) = dLosses(b,t) * (exp(logits(b,t,v) - logSumExp(b,t)) - [v = targets(b,t)]), and
   * 0 for the padded columns.
   */
  record CrossEntropyBackward(
      @Writes("...,Vp") Tensor dLogits,
      @Reads("...") @Fp32 Tensor dLosses,
      @Reads("...,Vp>=vocabulary") @Overwritable Tensor logits,
      @Reads("...") @Fp32 Tensor logSumExp,
      @Reads("...") @Integers Tensor targets,
      int vocabulary)
      implements Op.Gradient {
    public CrossEntropyBackward {
      Operands.fit(
          CrossEntropyBackward.class, dLogits, dLosses, logits, logSumExp, targets, vocabulary);
    }

    @Override
    public long flops() {
      return 12 * logits.elements();
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.ELEMENTWISE;
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
      @Writes("B,T") @Fp32 Tensor losses,
      @Writes("B,T") @Fp32 Tensor logSumExp,
      @Writes("rows,Vp") Tensor logits,
      @Writes("B,T,C") Tensor dIn,
      @Writes("Vp,C") @Fp32 Tensor dWeight,
      @Reads("B,T,C") Tensor in,
      @Reads("Vp>=vocabulary,C") Tensor weight,
      @Reads("B,T") @Integers Tensor targets,
      @Reads("B,T") @Fp32 Tensor dLosses,
      int vocabulary,
      boolean accumulate)
      implements Op.ParameterGradient {
    public Classifier {
      Operands.fit(
          Classifier.class,
          losses,
          logSumExp,
          logits,
          dIn,
          dWeight,
          in,
          weight,
          targets,
          dLosses,
          vocabulary,
          accumulate);
    }

    /** Of what all tokens have, a chunk's. */
    @Override
    public long touchedBytes(Tensor tensor) {
      if (tensor.equals(weight) || tensor.equals(dWeight)) {
        return tensor.bytes();
      }
      long tokens = targets.elements();
      long rows = tensor.equals(logits) ? tokens : logits.shape().dim(0);
      return tensor.bytes() * rows / tokens;
    }

    @Override
    public long flops() {
      return targets.elements() * weight.shape().dim(0) * (6L * weight.shape().dim(1) + 24);
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.CLASSIFIER;
    }
  }
}
