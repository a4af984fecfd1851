package dev.anneal.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * What Muon does to a matrix besides products: M = beta M + (1 - beta) G, U = beta M + (1 - beta)
 * G, X = U / (|U| + epsilon), five times X = a X + (b A + c A^2) X with A = X X', and W = (1 - lr
 * decay) W - lr scale X. X has no more rows than columns, so U is transposed on its way in, and X
 * on its way out, where W has.
 *
 * <p>Source: Jordan and others, "Muon: An optimizer for hidden layers in neural networks", 2024.
 */
public sealed interface MuonOp extends Op.Update {

  /**
   * With g = gradient * min(1, maxNorm / norm): momentum = beta momentum + (1-beta) g and direction
   * = beta momentum + (1-beta) g, which is Nesterov's. Where norm is not finite, momentum stays and
   * direction is zero.
   *
   * @param direction (R,C), always in fp32
   * @param norm of all gradients, a scalar
   */
  record MuonMomentum(
      Tensor direction, Tensor momentum, Tensor gradient, Tensor norm, float beta, float maxNorm)
      implements MuonOp {
    public MuonMomentum {
      same(direction, momentum);
      same(direction, gradient);
    }

    @Override
    public List<Tensor> reads() {
      return List.of(gradient, norm, momentum);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(direction, momentum);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new MuonMomentum(
          f.apply(direction), f.apply(momentum), f.apply(gradient), f.apply(norm), beta, maxNorm);
    }

    @Override
    public long flops() {
      return 5 * direction.elements();
    }
  }

  /**
   * out = in / (length + epsilon), with rows and columns exchanged where {@code transposed}.
   *
   * @param out (R,C)
   * @param in (R,C), or (C,R) where transposed, always in fp32
   * @param length a scalar
   */
  record Normalize(Tensor out, Tensor in, Tensor length, float epsilon, boolean transposed)
      implements MuonOp {
    public Normalize {
      same(out, in, transposed);
    }

    @Override
    public List<Tensor> reads() {
      return List.of(in, length);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new Normalize(f.apply(out), f.apply(in), f.apply(length), epsilon, transposed);
    }

    @Override
    public long flops() {
      return out.elements();
    }
  }

  /** out = alpha a + beta b, element by element. */
  record WeightedSum(Tensor out, Tensor a, float alpha, Tensor b, float beta) implements MuonOp {
    public WeightedSum {
      same(out, a);
      same(out, b);
    }

    @Override
    public List<Tensor> reads() {
      return List.of(a, b);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }

    @Override
    public List<Tensor> overwritable() {
      return List.of(a, b);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new WeightedSum(f.apply(out), f.apply(a), alpha, f.apply(b), beta);
    }

    @Override
    public long flops() {
      return 3 * out.elements();
    }
  }

  /**
   * parameter = (1 - lr weightDecay) parameter - lr scale direction with lr = {@code rate} times
   * the first number of {@code schedule}. Changes nothing where norm is not finite. A parameter of
   * 16 bits is rounded stochastically, as in {@link Op.AdamW}.
   *
   * @param parameter (R,C)
   * @param direction (R,C), or (C,R) where transposed
   * @param rate what this optimizer's learning rate is of the schedule's
   * @param scale what the update is multiplied with besides
   */
  record MuonUpdate(
      Tensor parameter,
      Tensor direction,
      Tensor norm,
      Tensor schedule,
      float rate,
      float scale,
      float weightDecay,
      boolean transposed,
      Optional<Op.AdamW.Rounding> rounding)
      implements MuonOp, Op.ParameterUpdate {
    public MuonUpdate {
      same(parameter, direction, transposed);
      if (parameter.dtype() != DType.F32 && rounding.isEmpty()) {
        throw new IllegalArgumentException(parameter + " has 16 bits and nothing to round it with");
      }
    }

    @Override
    public List<Tensor> reads() {
      List<Tensor> all = new ArrayList<>(List.of(direction, norm, schedule, parameter));
      rounding.map(Op.AdamW.Rounding::random).ifPresent(all::add);
      return List.copyOf(all);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(parameter);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new MuonUpdate(
          f.apply(parameter),
          f.apply(direction),
          f.apply(norm),
          f.apply(schedule),
          rate,
          scale,
          weightDecay,
          transposed,
          rounding.map(r -> new Op.AdamW.Rounding(f.apply(r.random()), r.stream())));
    }

    @Override
    public long flops() {
      return 3 * parameter.elements();
    }
  }

  private static void same(Tensor a, Tensor b) {
    same(a, b, false);
  }

  private static void same(Tensor a, Tensor b, boolean transposed) {
    boolean same =
        transposed
            ? a.shape().dim(0) == b.shape().dim(1) && a.shape().dim(1) == b.shape().dim(0)
            : a.shape().equals(b.shape());
    if (!same) {
      throw new IllegalArgumentException(
          a + " and " + b + " do not have the same shape" + (transposed ? ", transposed" : ""));
    }
  }
}
