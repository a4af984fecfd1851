package dev.anneal.plan;

import dev.anneal.plan.Operand.Overwritable;
import dev.anneal.plan.Operand.Reads;
import dev.anneal.plan.Operand.Writes;

/** The sum where two ways meet: a residual connection, or two gradients. */
public interface ResidualOps {
  /** out = a + b, element by element. */
  record Add(
      @Writes("...") Tensor out,
      @Reads("...") @Overwritable Tensor a,
      @Reads("...") @Overwritable Tensor b)
      implements Op.Forward, Op.Gradient {
    public Add {
      Operands.fit(Add.class, out, a, b);
    }

    @Override
    public long flops() {
      return out.elements();
    }

    @Override
    public void differentiate(Backward backward) {
      Tensor dOut = backward.arrived(out);
      backward.pass(a, dOut);
      backward.pass(b, dOut);
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.ELEMENTWISE;
    }
  }
}
