package dev.anneal.plan;

import dev.anneal.plan.Operand.EightBits;
import dev.anneal.plan.Operand.Fp32;
import dev.anneal.plan.Operand.Reads;
import dev.anneal.plan.Operand.Writes;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Numbers in another format: copies of weights, operands of 8 bits and their product. */
public interface FormatOps {
  /** out = in, rounded to the format of out: a {@link WeightCopies copy} of a parameter. */
  record Cast(@Writes("...") Tensor out, @Reads("...") @Fp32 Tensor in) implements Op.Update {
    public Cast {
      Operands.fit(Cast.class, out, in);
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

  /**
   * out = in / scale with scale = (the largest size of an element of in) / (the largest number of
   * {@code format}), 1 when in is zero, so that out fills the range of its 8 bits; {@code
   * transposed} is the same with rows and columns exchanged. in (..., K) with M rows, out (M, K),
   * transposed (K, M), at least one of which there is; scale is a scalar.
   *
   * @param format of out, which may be stored with more bits to compare with
   */
  record Quantize(
      @Writes("M,K") @EightBits Optional<Tensor> out,
      @Writes("K,M") @EightBits Optional<Tensor> transposed,
      @Writes("") @Fp32 Tensor scale,
      @Reads("M...,K") Tensor in,
      DType format)
      implements Op.EightBit {
    public Quantize {
      Operands.fit(Quantize.class, out, transposed, scale, in, format);
      if (out.isEmpty() && transposed.isEmpty()) {
        throw new IllegalArgumentException("Quantize: " + in + " is quantised into nothing");
      }
    }

    @Override
    public long flops() {
      return 2 * in.elements();
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.ELEMENTWISE;
    }
  }

  /**
   * out (+)= aScale bScale a bᵀ + bias. a (M,K), b (N,K), bias (N), out (..., N) with M rows; the
   * scales are scalars.
   */
  record ScaledMatmul(
      @Writes("M...,N") Tensor out,
      @Reads("M,K") @EightBits Tensor a,
      @Reads("N,K") @EightBits Tensor b,
      @Reads("") @Fp32 Tensor aScale,
      @Reads("") @Fp32 Tensor bScale,
      @Reads("N") Optional<Tensor> bias,
      boolean accumulate)
      implements Op.EightBit {
    public ScaledMatmul {
      Operands.fit(ScaledMatmul.class, out, a, b, aScale, bScale, bias, accumulate);
    }

    @Override
    public long flops() {
      return 2 * out.elements() * a.shape().dim(-1);
    }

    /** With what is added to. */
    @Override
    public List<Tensor> reads() {
      List<Tensor> operands = Op.read(this);
      return accumulate ? Stream.concat(operands.stream(), Stream.of(out)).toList() : operands;
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.PRODUCT_OF_8_BITS;
    }
  }
}
