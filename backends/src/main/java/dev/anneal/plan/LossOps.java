package dev.anneal.plan;

import dev.anneal.plan.Operand.Fp32;
import dev.anneal.plan.Operand.Reads;
import dev.anneal.plan.Operand.Writes;

/** The mean of the losses, its gradient, and the seed of a backward pass. */
public interface LossOps {
  /** out = the mean of all elements of in; out is a scalar. */
  record MeanForward(@Writes("") @Fp32 Tensor out, @Reads("...") @Fp32 Tensor in)
      implements Op.Forward {
    public MeanForward {
      Operands.fit(MeanForward.class, out, in);
    }

    @Override
    public long flops() {
      return in.elements();
    }

    @Override
    public void differentiate(Backward backward) {
      Tensor dOut = backward.arrived(out);
      backward.contribute(in, dIn -> new MeanBackward(dIn, dOut));
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.SUM;
    }
  }

  /** dIn = dOut / n for each of the n elements of dIn; dOut is a scalar. */
  record MeanBackward(@Writes("...") @Fp32 Tensor dIn, @Reads("") @Fp32 Tensor dOut)
      implements Op.Gradient {
    public MeanBackward {
      Operands.fit(MeanBackward.class, dIn, dOut);
    }

    @Override
    public long flops() {
      return dIn.elements();
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.ELEMENTWISE;
    }
  }

  /** out = value in every element: the seed of a backward pass. */
  record Fill(@Writes("...") @Fp32 Tensor out, float value) implements Op.Gradient {
    public Fill {
      Operands.fit(Fill.class, out, value);
    }

    @Override
    public long flops() {
      return 0;
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.ELEMENTWISE;
    }
  }
}
