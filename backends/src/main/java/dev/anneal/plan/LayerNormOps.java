package dev.anneal.plan;

import dev.anneal.plan.Operand.Fp32;
import dev.anneal.plan.Operand.Overwritable;
import dev.anneal.plan.Operand.Reads;
import dev.anneal.plan.Operand.Writes;
import java.util.Optional;

/** Layer norm and its gradient. */
public interface LayerNormOps {
  /**
   * out = (in - mean) * rstd * weight + bias over the channels of each row, rstd = 1 /
   * sqrt(variance + epsilon). in, out (B,T,C); mean, rstd (B,T); weight, bias (C).
   *
   * <p>Source: Ba, Kiros, Hinton, "Layer Normalization", 2016.
   */
  record LayerNormForward(
      @Writes("...,C") Tensor out,
      @Writes("...") @Fp32 Tensor mean,
      @Writes("...") @Fp32 Tensor rstd,
      @Reads("...,C") Tensor in,
      @Reads("C") Tensor weight,
      @Reads("C") Tensor bias,
      float epsilon)
      implements Op.Forward {
    public LayerNormForward {
      Operands.fit(LayerNormForward.class, out, mean, rstd, in, weight, bias, epsilon);
    }

    @Override
    public long flops() {
      return 8 * in.elements();
    }

    @Override
    public void differentiate(Backward backward) {
      Tensor dOut = backward.arrived(out);
      Optional<Tensor> residual = backward.sofar(in);
      Tensor dWeight = backward.ofParameter(weight);
      Tensor dBias = backward.ofParameter(bias);
      boolean accumulate = backward.adds(dWeight) | backward.adds(dBias);
      backward.add(
          new LayerNormBackward(
              backward.gradientOf(in),
              dWeight,
              dBias,
              dOut,
              in,
              weight,
              mean,
              rstd,
              residual,
              accumulate));
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.SUM;
    }
  }

  /**
   * With n = (in - mean) * rstd and g = dOut * weight: dIn = residual + rstd * (g - mean(g) - n *
   * mean(g * n)), dWeight (+)= sum over rows of dOut * n, dBias (+)= sum over rows of dOut. {@code
   * residual} is a gradient that reached {@code in} on another way, 0 when absent.
   */
  record LayerNormBackward(
      @Writes("...,C") Tensor dIn,
      @Writes("C") @Fp32 Tensor dWeight,
      @Writes("C") @Fp32 Tensor dBias,
      @Reads("...,C") Tensor dOut,
      @Reads("...,C") Tensor in,
      @Reads("C") Tensor weight,
      @Reads("...") @Fp32 Tensor mean,
      @Reads("...") @Fp32 Tensor rstd,
      @Reads("...,C") @Overwritable Optional<Tensor> residual,
      boolean accumulate)
      implements Op.ParameterGradient {
    public LayerNormBackward {
      Operands.fit(
          LayerNormBackward.class,
          dIn,
          dWeight,
          dBias,
          dOut,
          in,
          weight,
          mean,
          rstd,
          residual,
          accumulate);
    }

    @Override
    public long flops() {
      return 14 * in.elements();
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.SUM;
    }
  }
}
