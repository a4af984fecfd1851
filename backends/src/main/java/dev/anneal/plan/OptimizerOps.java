package dev.anneal.plan;

import dev.anneal.plan.Operand.Fp32;
import dev.anneal.plan.Operand.Integers;
import dev.anneal.plan.Operand.Reads;
import dev.anneal.plan.Operand.Updates;
import dev.anneal.plan.Operand.Writes;
import java.util.List;
import java.util.Optional;

/** The length of all gradients, and AdamW. */
public interface OptimizerOps {
  /** norm = sqrt(sum of squares over all elements of all gradients); norm is a scalar. */
  record GlobalNorm(@Writes("") @Fp32 Tensor norm, @Reads("_...") @Fp32 List<Tensor> gradients)
      implements Op.Update {
    public GlobalNorm {
      gradients = List.copyOf(gradients);
      Operands.fit(GlobalNorm.class, norm, gradients);
    }

    @Override
    public long flops() {
      return 2 * gradients.stream().mapToLong(Tensor::elements).sum();
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.SUM;
    }
  }

  /**
   * One AdamW step on one parameter, with g = gradient * min(1, maxNorm / norm): m = beta1 m +
   * (1-beta1) g; v = beta2 v + (1-beta2) g^2; parameter -= lr * ((m / c1) / (sqrt(v / c2) +
   * epsilon) + weightDecay * parameter). {@code schedule} holds lr, c1 = 1 - beta1^step and c2 = 1
   * - beta2^step. Changes nothing when norm is not finite, so that a bad batch never reaches the
   * weights. A parameter of 16 bits is rounded stochastically, since most updates are smaller than
   * half of its spacing.
   *
   * <p>Source: Loshchilov, Hutter, "Decoupled Weight Decay Regularization", 2019.
   */
  record AdamW(
      @Updates("...") Tensor parameter,
      @Updates("...") @Fp32 Tensor m,
      @Updates("...") @Fp32 Tensor v,
      @Reads("...") @Fp32 Tensor gradient,
      @Reads("") @Fp32 Tensor norm,
      @Reads("3") @Fp32 Tensor schedule,
      float beta1,
      float beta2,
      float epsilon,
      float weightDecay,
      float maxNorm,
      Optional<Rounding> rounding)
      implements Op.ParameterUpdate {

    /**
     * The random bits of a parameter's elements, which {@link dev.anneal.random.Philox} gives.
     *
     * @param random three integers: the low and the high half of the seed, and the step
     * @param stream which parameter this is
     */
    public record Rounding(@Reads("3") @Integers Tensor random, int stream) {}

    public AdamW {
      Operands.fit(
          AdamW.class,
          parameter,
          m,
          v,
          gradient,
          norm,
          schedule,
          beta1,
          beta2,
          epsilon,
          weightDecay,
          maxNorm,
          rounding);
      if (parameter.dtype() != DType.F32 && rounding.isEmpty()) {
        throw new IllegalArgumentException(parameter + " has 16 bits and nothing to round it with");
      }
    }

    /** Of a parameter in fp32. */
    public AdamW(
        Tensor parameter,
        Tensor m,
        Tensor v,
        Tensor gradient,
        Tensor norm,
        Tensor schedule,
        float beta1,
        float beta2,
        float epsilon,
        float weightDecay,
        float maxNorm) {
      this(
          parameter,
          m,
          v,
          gradient,
          norm,
          schedule,
          beta1,
          beta2,
          epsilon,
          weightDecay,
          maxNorm,
          Optional.empty());
    }

    /** The same, rounding a parameter of 16 bits. */
    public AdamW with(Rounding how) {
      return (AdamW) Operands.of(AdamW.class).with(this, "rounding", Optional.of(how));
    }

    @Override
    public long flops() {
      return 14 * parameter.elements();
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.ELEMENTWISE;
    }
  }
}
