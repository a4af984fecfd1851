package dev.anneal.plan;

import dev.anneal.plan.Operand.Fp32;
import dev.anneal.plan.Operand.Overwritable;
import dev.anneal.plan.Operand.Reads;
import dev.anneal.plan.Operand.Writes;
import java.util.Optional;

/** RMS norm and its gradient. */
public interface RmsNormOps {
  /**
   * out = in * rstd * weight over the channels of each row, rstd = 1 / sqrt(mean(in^2) + epsilon).
   * in, out (B,T,C); rstd (B,T); weight (C).
   *
   * <p>Source: Zhang, Sennrich, "Root Mean Square Layer Normalization", 2019.
   */
  record RmsNormForward(
      @Writes("...,C") Tensor out,
      @Writes("...") @Fp32 Tensor rstd,
      @Reads("...,C") Tensor in,
      @Reads("C") Tensor weight,
      float epsilon)
      implements Op.Forward {
    public RmsNormForward {
      Operands.fit(RmsNormForward.class, out, rstd, in, weight, epsilon);
    }

    @Override
    public long flops() {
      return 4 * in.elements();
    }

    @Override
    public void differentiate(Backward backward) {
      Tensor dOut = backward.arrived(out);
      Optional<Tensor> residual = backward.sofar(in);
      Tensor dWeight = backward.ofParameter(weight);
      backward.add(
          new RmsNormBackward(
              backward.gradientOf(in),
              dWeight,
              dOut,
              in,
              weight,
              rstd,
              residual,
              backward.adds(dWeight)));
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.SUM;
    }
  }

  /**
   * With n = in * rstd and g = dOut * weight: dIn = residual + rstd * (g - n * mean(g * n)),
   * dWeight (+)= sum over rows of dOut * n. {@code residual} is a gradient that reached {@code in}
   * on another way, 0 when absent.
   */
  record RmsNormBackward(
      @Writes("...,C") Tensor dIn,
      @Writes("C") @Fp32 Tensor dWeight,
      @Reads("...,C") Tensor dOut,
      @Reads("...,C") Tensor in,
      @Reads("C") Tensor weight,
      @Reads("...") @Fp32 Tensor rstd,
      @Reads("...,C") @Overwritable Optional<Tensor> residual,
      boolean accumulate)
      implements Op.ParameterGradient {
    public RmsNormBackward {
      Operands.fit(
          RmsNormBackward.class, dIn, dWeight, dOut, in, weight, rstd, residual, accumulate);
    }

    @Override
    public long flops() {
      return 10 * in.elements();
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.SUM;
    }
  }
}
