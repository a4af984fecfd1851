package dev.anneal.plan;

import dev.anneal.plan.Operand.Overwritable;
import dev.anneal.plan.Operand.Reads;
import dev.anneal.plan.Operand.Writes;

/** GELU and its gradient. */
public interface GeluOps {
  /**
   * out = in * 0.5 * (1 + tanh(sqrt(2/pi) * (in + 0.044715 in^3))), element by element.
   *
   * <p>Source: Hendrycks, Gimpel, "Gaussian Error Linear Units", 2016, the tanh form, as GPT-2's.
   */
  record GeluForward(@Writes("...") Tensor out, @Reads("...") @Overwritable Tensor in)
      implements Op.Forward {
    public GeluForward {
      Operands.fit(GeluForward.class, out, in);
    }

    @Override
    public long flops() {
      return 20 * out.elements();
    }

    @Override
    public void differentiate(Backward backward) {
      Tensor dOut = backward.arrived(out);
      backward.contribute(in, dIn -> new GeluBackward(dIn, dOut, in));
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.ELEMENTWISE;
    }
  }

  /** dIn = dOut * gelu'(in), element by element. */
  record GeluBackward(
      @Writes("...") Tensor dIn,
      @Reads("...") @Overwritable Tensor dOut,
      @Reads("...") @Overwritable Tensor in)
      implements Op.Gradient {
    public GeluBackward {
      Operands.fit(GeluBackward.class, dIn, dOut, in);
    }

    @Override
    public long flops() {
      return 30 * dIn.elements();
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.CANCELLING;
    }
  }
}
