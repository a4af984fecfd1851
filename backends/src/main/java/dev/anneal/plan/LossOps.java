package dev.anneal.plan;

import java.util.List;
import java.util.function.UnaryOperator;

/** The mean of the losses, its gradient, and the seed of a backward pass. */
public interface LossOps {
  /** out = the mean of all elements of in; out is a scalar. */
  record MeanForward(Tensor out, Tensor in) implements Op.Forward {
    @Override
    public List<Tensor> reads() {
      return List.of(in);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new MeanForward(f.apply(out), f.apply(in));
    }

    @Override
    public long flops() {
      return in.elements();
    }
  }

  /** dIn = dOut / n for each of the n elements of dIn; dOut is a scalar. */
  record MeanBackward(Tensor dIn, Tensor dOut) implements Op.Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dIn);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new MeanBackward(f.apply(dIn), f.apply(dOut));
    }

    @Override
    public long flops() {
      return dIn.elements();
    }
  }

  /** out = value in every element: the seed of a backward pass. */
  record Fill(Tensor out, float value) implements Op.Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of();
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new Fill(f.apply(out), value);
    }

    @Override
    public long flops() {
      return 0;
    }
  }
}
