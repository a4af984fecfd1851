package dev.anneal.plan;

import dev.anneal.plan.Operand.Fp32;
import dev.anneal.plan.Operand.Reads;
import dev.anneal.plan.Operand.Writes;
import java.util.Optional;

/** A linear layer, and the gradients of its input, its weight and its bias. */
public interface MatmulOps {
  /** out = in weightᵀ + bias. in (B,T,K), weight (N,K), bias (N), out (B,T,N). */
  record MatmulForward(
      @Writes("...,N") Tensor out,
      @Reads("...,K") Tensor in,
      @Reads("N,K") Tensor weight,
      @Reads("N") Optional<Tensor> bias)
      implements Op.Forward, Op.Product {
    public MatmulForward {
      Operands.fit(MatmulForward.class, out, in, weight, bias);
    }

    @Override
    public long flops() {
      return 2 * out.elements() * in.shape().dim(-1);
    }

    @Override
    public void differentiate(Backward backward) {
      Tensor dOut = backward.arrived(out);
      Tensor dWeight = backward.ofParameter(weight);
      backward.add(new MatmulBackwardWeight(dWeight, dOut, in, backward.adds(dWeight)));
      bias.map(backward::ofParameter)
          .ifPresent(dBias -> backward.add(new BiasBackward(dBias, dOut, backward.adds(dBias))));
      backward.contribute(in, dIn -> new MatmulBackwardInput(dIn, dOut, weight));
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.PRODUCT;
    }
  }

  /** dIn = dOut weight. dOut (B,T,N), weight (N,K), dIn (B,T,K). */
  record MatmulBackwardInput(
      @Writes("...,K") Tensor dIn, @Reads("...,N") Tensor dOut, @Reads("N,K") Tensor weight)
      implements Op.Gradient, Op.Product {
    public MatmulBackwardInput {
      Operands.fit(MatmulBackwardInput.class, dIn, dOut, weight);
    }

    @Override
    public long flops() {
      return 2 * dOut.elements() * dIn.shape().dim(-1);
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.PRODUCT;
    }
  }

  /** dWeight (+)= dOutᵀ in. dOut (B,T,N), in (B,T,K), dWeight (N,K). */
  record MatmulBackwardWeight(
      @Writes("N,K") @Fp32 Tensor dWeight,
      @Reads("...,N") Tensor dOut,
      @Reads("...,K") Tensor in,
      boolean accumulate)
      implements Op.ParameterGradient, Op.Product {
    public MatmulBackwardWeight {
      Operands.fit(MatmulBackwardWeight.class, dWeight, dOut, in, accumulate);
    }

    @Override
    public long flops() {
      return 2 * dOut.elements() * in.shape().dim(-1);
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.PRODUCT;
    }
  }

  /** dBias (+)= sum over rows of dOut. dOut (B,T,N), dBias (N). */
  record BiasBackward(
      @Writes("N") @Fp32 Tensor dBias, @Reads("...,N") Tensor dOut, boolean accumulate)
      implements Op.ParameterGradient {
    public BiasBackward {
      Operands.fit(BiasBackward.class, dBias, dOut, accumulate);
    }

    @Override
    public long flops() {
      return dOut.elements();
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.SUM;
    }
  }
}
