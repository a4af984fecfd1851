package dev.anneal.plan;

import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** A linear layer, and the gradients of its input, its weight and its bias. */
public interface MatmulOps {
  /** out = in weightᵀ + bias. in (B,T,K), weight (N,K), bias (N), out (B,T,N). */
  record MatmulForward(Tensor out, Tensor in, Tensor weight, Optional<Tensor> bias)
      implements Op.Forward {
    @Override
    public List<Tensor> reads() {
      return Op.join(List.of(in, weight), bias);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new MatmulForward(f.apply(out), f.apply(in), f.apply(weight), bias.map(f));
    }

    @Override
    public long flops() {
      return 2 * out.elements() * in.shape().dim(-1);
    }
  }

  /** dIn = dOut weight. dOut (B,T,N), weight (N,K), dIn (B,T,K). */
  record MatmulBackwardInput(Tensor dIn, Tensor dOut, Tensor weight) implements Op.Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut, weight);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dIn);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new MatmulBackwardInput(f.apply(dIn), f.apply(dOut), f.apply(weight));
    }

    @Override
    public long flops() {
      return 2 * dOut.elements() * dIn.shape().dim(-1);
    }
  }

  /** dWeight (+)= dOutᵀ in. dOut (B,T,N), in (B,T,K), dWeight (N,K). */
  record MatmulBackwardWeight(Tensor dWeight, Tensor dOut, Tensor in, boolean accumulate)
      implements Op.ParameterGradient {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut, in);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dWeight);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new MatmulBackwardWeight(f.apply(dWeight), f.apply(dOut), f.apply(in), accumulate);
    }

    @Override
    public Op.ParameterGradient accumulating() {
      return new MatmulBackwardWeight(dWeight, dOut, in, true);
    }

    @Override
    public long flops() {
      return 2 * dOut.elements() * in.shape().dim(-1);
    }
  }

  /** dBias (+)= sum over rows of dOut. dOut (B,T,N), dBias (N). */
  record BiasBackward(Tensor dBias, Tensor dOut, boolean accumulate)
      implements Op.ParameterGradient {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dBias);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new BiasBackward(f.apply(dBias), f.apply(dOut), accumulate);
    }

    @Override
    public Op.ParameterGradient accumulating() {
      return new BiasBackward(dBias, dOut, true);
    }

    @Override
    public long flops() {
      return dOut.elements();
    }
  }
}
