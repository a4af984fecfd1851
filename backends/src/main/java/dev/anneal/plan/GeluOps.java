package dev.anneal.plan;

import java.util.List;
import java.util.function.UnaryOperator;

/** GELU and its gradient. */
public interface GeluOps {
  /**
   * out = in * 0.5 * (1 + tanh(sqrt(2/pi) * (in + 0.044715 in^3))), element by element.
   *
   * <p>Source: Hendrycks, Gimpel, "Gaussian Error Linear Units", 2016, the tanh form, as GPT-2's.
   */
  record GeluForward(Tensor out, Tensor in) implements Op.Forward {
    @Override
    public List<Tensor> reads() {
      return List.of(in);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }

    @Override
    public List<Tensor> overwritable() {
      return List.of(in);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new GeluForward(f.apply(out), f.apply(in));
    }

    @Override
    public long flops() {
      return 20 * out.elements();
    }
  }

  /** dIn = dOut * gelu'(in), element by element. */
  record GeluBackward(Tensor dIn, Tensor dOut, Tensor in) implements Op.Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut, in);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dIn);
    }

    @Override
    public List<Tensor> overwritable() {
      return List.of(dOut, in);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new GeluBackward(f.apply(dIn), f.apply(dOut), f.apply(in));
    }

    @Override
    public long flops() {
      return 30 * dIn.elements();
    }
  }
}
