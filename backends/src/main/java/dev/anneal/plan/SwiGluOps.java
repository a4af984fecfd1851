package dev.anneal.plan;

import dev.anneal.plan.Operand.Reads;
import dev.anneal.plan.Operand.Writes;

/** SwiGLU's gate and its gradient. */
public interface SwiGluOps {
  /**
   * out = silu(gate) * up with silu(x) = x / (1 + exp(-x)), element by element; in (B,T,2F) holds
   * gate and up side by side, out (B,T,F).
   *
   * <p>Source: Shazeer, "GLU Variants Improve Transformer", 2020.
   */
  record SwiGluForward(@Writes("...,F") Tensor out, @Reads("...,2F") Tensor in)
      implements Op.Forward {
    public SwiGluForward {
      Operands.fit(SwiGluForward.class, out, in);
    }

    @Override
    public long flops() {
      return 16 * out.elements();
    }

    @Override
    public void differentiate(Backward backward) {
      Tensor dOut = backward.arrived(out);
      backward.contribute(in, dIn -> new SwiGluBackward(dIn, dOut, in));
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.ELEMENTWISE;
    }
  }

  /**
   * With s = 1 / (1 + exp(-gate)): d gate = dOut * up * s * (1 + gate * (1 - s)), d up = dOut *
   * gate * s.
   */
  record SwiGluBackward(
      @Writes("...,2F") Tensor dIn, @Reads("...,F") Tensor dOut, @Reads("...,2F") Tensor in)
      implements Op.Gradient {
    public SwiGluBackward {
      Operands.fit(SwiGluBackward.class, dIn, dOut, in);
    }

    @Override
    public long flops() {
      return 26 * dOut.elements();
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.CANCELLING;
    }
  }
}
