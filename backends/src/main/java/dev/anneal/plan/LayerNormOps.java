package dev.anneal.plan;

import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** Layer norm and its gradient. */
public interface LayerNormOps {
  /**
   * out = (in - mean) * rstd * weight + bias over the channels of each row, rstd = 1 /
   * sqrt(variance + epsilon). in, out (B,T,C); mean, rstd (B,T); weight, bias (C).
   *
   * <p>Source: Ba, Kiros, Hinton, "Layer Normalization", 2016.
   */
  record LayerNormForward(
      Tensor out, Tensor mean, Tensor rstd, Tensor in, Tensor weight, Tensor bias, float epsilon)
      implements Op.Forward {
    @Override
    public List<Tensor> reads() {
      return List.of(in, weight, bias);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out, mean, rstd);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new LayerNormForward(
          f.apply(out),
          f.apply(mean),
          f.apply(rstd),
          f.apply(in),
          f.apply(weight),
          f.apply(bias),
          epsilon);
    }

    @Override
    public long flops() {
      return 8 * in.elements();
    }
  }

  /**
   * With n = (in - mean) * rstd and g = dOut * weight: dIn = residual + rstd * (g - mean(g) - n *
   * mean(g * n)), dWeight (+)= sum over rows of dOut * n, dBias (+)= sum over rows of dOut. {@code
   * residual} is a gradient that reached {@code in} on another way, 0 when absent.
   */
  record LayerNormBackward(
      Tensor dIn,
      Tensor dWeight,
      Tensor dBias,
      Tensor dOut,
      Tensor in,
      Tensor weight,
      Tensor mean,
      Tensor rstd,
      Optional<Tensor> residual,
      boolean accumulate)
      implements Op.ParameterGradient {
    @Override
    public List<Tensor> reads() {
      return Op.join(List.of(dOut, in, weight, mean, rstd), residual);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dIn, dWeight, dBias);
    }

    @Override
    public List<Tensor> overwritable() {
      return residual.stream().toList();
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new LayerNormBackward(
          f.apply(dIn),
          f.apply(dWeight),
          f.apply(dBias),
          f.apply(dOut),
          f.apply(in),
          f.apply(weight),
          f.apply(mean),
          f.apply(rstd),
          residual.map(f),
          accumulate);
    }

    @Override
    public Op.ParameterGradient accumulating() {
      return new LayerNormBackward(
          dIn, dWeight, dBias, dOut, in, weight, mean, rstd, residual, true);
    }

    @Override
    public long flops() {
      return 14 * in.elements();
    }
  }
}
