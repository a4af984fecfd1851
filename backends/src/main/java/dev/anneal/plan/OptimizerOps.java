package dev.anneal.plan;

import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** The length of all gradients, and AdamW. */
public interface OptimizerOps {
  /** norm = sqrt(sum of squares over all elements of all gradients); norm is a scalar. */
  record GlobalNorm(Tensor norm, List<Tensor> gradients) implements Op.Update {
    public GlobalNorm {
      gradients = List.copyOf(gradients);
    }

    @Override
    public List<Tensor> reads() {
      return gradients;
    }

    @Override
    public List<Tensor> writes() {
      return List.of(norm);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new GlobalNorm(f.apply(norm), gradients.stream().map(f).toList());
    }

    @Override
    public long flops() {
      return 2 * gradients.stream().mapToLong(Tensor::elements).sum();
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
      float maxNorm,
      Optional<Rounding> rounding)
      implements Op.ParameterUpdate {

    /**
     * The random bits of a parameter's elements, which {@link dev.anneal.random.Philox} gives.
     *
     * @param random three integers: the low and the high half of the seed, and the step
     * @param stream which parameter this is
     */
    public record Rounding(Tensor random, int stream) {}

    public AdamW {
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
      return new AdamW(
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
          Optional.of(how));
    }

    @Override
    public List<Tensor> reads() {
      return Op.join(
          List.of(gradient, norm, schedule, parameter, m, v), rounding.map(Rounding::random));
    }

    @Override
    public List<Tensor> writes() {
      return List.of(parameter, m, v);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new AdamW(
          f.apply(parameter),
          f.apply(m),
          f.apply(v),
          f.apply(gradient),
          f.apply(norm),
          f.apply(schedule),
          beta1,
          beta2,
          epsilon,
          weightDecay,
          maxNorm,
          rounding.map(r -> new Rounding(f.apply(r.random()), r.stream())));
    }

    @Override
    public long flops() {
      return 14 * parameter.elements();
    }
  }
}
