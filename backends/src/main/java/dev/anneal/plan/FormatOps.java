package dev.anneal.plan;

import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** Numbers in another format: copies of weights, operands of 8 bits and their product. */
public interface FormatOps {
  /** out = in, rounded to the format of out: a {@link WeightCopies copy} of a parameter. */
  record Cast(Tensor out, Tensor in) implements Op.Update {
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
      return new Cast(f.apply(out), f.apply(in));
    }

    @Override
    public long flops() {
      return 0;
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
      Optional<Tensor> out, Optional<Tensor> transposed, Tensor scale, Tensor in, DType format)
      implements Op.EightBit {
    @Override
    public List<Tensor> reads() {
      return List.of(in);
    }

    @Override
    public List<Tensor> writes() {
      return Stream.of(out.stream(), transposed.stream(), Stream.of(scale))
          .flatMap(tensors -> tensors)
          .toList();
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new Quantize(out.map(f), transposed.map(f), f.apply(scale), f.apply(in), format);
    }

    @Override
    public long flops() {
      return 2 * in.elements();
    }
  }

  /**
   * out (+)= aScale bScale a bᵀ + bias. a (M,K), b (N,K), bias (N), out (..., N) with M rows; the
   * scales are scalars.
   */
  record ScaledMatmul(
      Tensor out,
      Tensor a,
      Tensor b,
      Tensor aScale,
      Tensor bScale,
      Optional<Tensor> bias,
      boolean accumulate)
      implements Op.EightBit {
    @Override
    public List<Tensor> reads() {
      List<Tensor> operands = Op.join(List.of(a, b, aScale, bScale), bias);
      return accumulate ? Op.join(operands, Optional.of(out)) : operands;
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new ScaledMatmul(
          f.apply(out),
          f.apply(a),
          f.apply(b),
          f.apply(aScale),
          f.apply(bScale),
          bias.map(f),
          accumulate);
    }

    @Override
    public long flops() {
      return 2 * out.elements() * a.shape().dim(-1);
    }
  }
}
