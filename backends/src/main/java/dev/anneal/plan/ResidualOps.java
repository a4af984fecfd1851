package dev.anneal.plan;

import java.util.List;
import java.util.function.UnaryOperator;

/** The sum where two ways meet: a residual connection, or two gradients. */
public interface ResidualOps {
  /** out = a + b, element by element. */
  record Add(Tensor out, Tensor a, Tensor b) implements Op.Forward, Op.Gradient {
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
      return new Add(f.apply(out), f.apply(a), f.apply(b));
    }

    @Override
    public long flops() {
      return out.elements();
    }
  }
}
