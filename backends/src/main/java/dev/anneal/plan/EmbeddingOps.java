package dev.anneal.plan;

import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** Rows of two tables, of tokens and of positions, and their gradients. */
public interface EmbeddingOps {
  /**
   * out(b,t) = wte(tokens(b,t)) + wpe(start + t). out (B,T,C), tokens (B,T), wte (Vp,C), wpe
   * (maxT,C); {@code start} is one integer, 0 when absent.
   */
  record EmbeddingForward(Tensor out, Tensor tokens, Tensor wte, Tensor wpe, Optional<Tensor> start)
      implements Op.Forward {
    @Override
    public List<Tensor> reads() {
      return Op.join(List.of(tokens, wte, wpe), start);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new EmbeddingForward(
          f.apply(out), f.apply(tokens), f.apply(wte), f.apply(wpe), start.map(f));
    }

    @Override
    public long flops() {
      return out.elements();
    }
  }

  /** dWte(v) (+)= sum of dOut(b,t) over all (b,t) with tokens(b,t) = v, in order of (b,t). */
  record TokenEmbeddingBackward(Tensor dWte, Tensor dOut, Tensor tokens, boolean accumulate)
      implements Op.ParameterGradient {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut, tokens);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dWte);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new TokenEmbeddingBackward(f.apply(dWte), f.apply(dOut), f.apply(tokens), accumulate);
    }

    @Override
    public Op.ParameterGradient accumulating() {
      return new TokenEmbeddingBackward(dWte, dOut, tokens, true);
    }

    @Override
    public long flops() {
      return dOut.elements();
    }
  }

  /** dWpe(t) (+)= sum over b of dOut(b,t), rows from T on being zero. */
  record PositionEmbeddingBackward(Tensor dWpe, Tensor dOut, boolean accumulate)
      implements Op.ParameterGradient {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dWpe);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new PositionEmbeddingBackward(f.apply(dWpe), f.apply(dOut), accumulate);
    }

    @Override
    public Op.ParameterGradient accumulating() {
      return new PositionEmbeddingBackward(dWpe, dOut, true);
    }

    @Override
    public long flops() {
      return dOut.elements();
    }
  }
}
