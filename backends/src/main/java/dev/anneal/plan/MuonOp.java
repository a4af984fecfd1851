package dev.anneal.plan;

import dev.anneal.plan.Operand.Fp32;
import dev.anneal.plan.Operand.Master;
import dev.anneal.plan.Operand.Overwritable;
import dev.anneal.plan.Operand.Reads;
import dev.anneal.plan.Operand.Updates;
import dev.anneal.plan.Operand.Writes;
import java.util.Optional;

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
      @Writes("R,C") @Fp32 Tensor direction,
      @Updates("R,C") @Fp32 Tensor momentum,
      @Reads("R,C") @Fp32 Tensor gradient,
      @Reads("") @Fp32 Tensor norm,
      float beta,
      float maxNorm)
      implements MuonOp {
    public MuonMomentum {
      Operands.fit(MuonMomentum.class, direction, momentum, gradient, norm, beta, maxNorm);
    }

    @Override
    public long flops() {
      return 5 * direction.elements();
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.ELEMENTWISE;
    }
  }

  /**
   * out = in / (length + epsilon), with rows and columns exchanged where {@code transposed}.
   *
   * @param out (R,C)
   * @param in (R,C), or (C,R) where transposed, always in fp32
   * @param length a scalar
   */
  record Normalize(
      @Writes("R,C") Tensor out,
      @Reads("transposed ? C,R : R,C") @Fp32 Tensor in,
      @Reads("") @Fp32 Tensor length,
      float epsilon,
      boolean transposed)
      implements MuonOp {
    public Normalize {
      Operands.fit(Normalize.class, out, in, length, epsilon, transposed);
    }

    @Override
    public long flops() {
      return out.elements();
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.ELEMENTWISE;
    }
  }

  /** out = alpha a + beta b, element by element. */
  record WeightedSum(
      @Writes("...") Tensor out,
      @Reads("...") @Overwritable Tensor a,
      float alpha,
      @Reads("...") @Overwritable Tensor b,
      float beta)
      implements MuonOp {
    public WeightedSum {
      Operands.fit(WeightedSum.class, out, a, alpha, b, beta);
    }

    @Override
    public long flops() {
      return 3 * out.elements();
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.ELEMENTWISE;
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
      @Updates("R,C") @Master Tensor parameter,
      @Reads("transposed ? C,R : R,C") Tensor direction,
      @Reads("") @Fp32 Tensor norm,
      @Reads("3") @Fp32 Tensor schedule,
      float rate,
      float scale,
      float weightDecay,
      boolean transposed,
      Optional<Op.AdamW.Rounding> rounding)
      implements MuonOp, Op.ParameterUpdate {
    public MuonUpdate {
      Operands.fit(
          MuonUpdate.class,
          parameter,
          direction,
          norm,
          schedule,
          rate,
          scale,
          weightDecay,
          transposed,
          rounding);
      if (parameter.dtype() != DType.F32 && rounding.isEmpty()) {
        throw new IllegalArgumentException(parameter + " has 16 bits and nothing to round it with");
      }
    }

    @Override
    public long flops() {
      return 3 * parameter.elements();
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.ELEMENTWISE;
    }
  }
}
