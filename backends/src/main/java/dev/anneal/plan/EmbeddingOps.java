package dev.anneal.plan;

import dev.anneal.plan.Operand.Fp32;
import dev.anneal.plan.Operand.Integers;
import dev.anneal.plan.Operand.Reads;
import dev.anneal.plan.Operand.Writes;
import java.util.Optional;

/** Rows of a table of tokens, or of two, of tokens and of positions, and their gradients. */
public interface EmbeddingOps {
  /**
   * out(b,t) = wte(tokens(b,t)) + wpe(start + t). out (B,T,C), tokens (B,T), wte (Vp,C), wpe
   * (maxT,C); {@code start} is one integer, 0 when absent.
   */
  record EmbeddingForward(
      @Writes("B,T,C") Tensor out,
      @Reads("B,T") @Integers Tensor tokens,
      @Reads("Vp,C") Tensor wte,
      @Reads("maxT>=T,C") Tensor wpe,
      @Reads("") @Integers Optional<Tensor> start)
      implements Op.Forward {
    public EmbeddingForward {
      Operands.fit(EmbeddingForward.class, out, tokens, wte, wpe, start);
    }

    /** Of a table, no more than there are tokens. */
    @Override
    public long touchedBytes(Tensor tensor) {
      boolean table = tensor.equals(wte) || tensor.equals(wpe);
      return table
          ? Math.min(tensor.bytes(), out.elements() * tensor.dtype().bytes())
          : tensor.bytes();
    }

    @Override
    public long flops() {
      return out.elements();
    }

    @Override
    public void differentiate(Backward backward) {
      Tensor dOut = backward.arrived(out);
      Tensor dWte = backward.ofParameter(wte);
      Tensor dWpe = backward.ofParameter(wpe);
      backward.add(new TokenEmbeddingBackward(dWte, dOut, tokens, backward.adds(dWte)));
      backward.add(new PositionEmbeddingBackward(dWpe, dOut, backward.adds(dWpe)));
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.ELEMENTWISE;
    }
  }

  /** out(b,t) = wte(tokens(b,t)). out (B,T,C), tokens (B,T), wte (Vp,C). */
  record TokenEmbeddingForward(
      @Writes("B,T,C") Tensor out, @Reads("B,T") @Integers Tensor tokens, @Reads("Vp,C") Tensor wte)
      implements Op.Forward {
    public TokenEmbeddingForward {
      Operands.fit(TokenEmbeddingForward.class, out, tokens, wte);
    }

    /** Of the table, no more than there are tokens. */
    @Override
    public long touchedBytes(Tensor tensor) {
      return tensor.equals(wte)
          ? Math.min(tensor.bytes(), out.elements() * tensor.dtype().bytes())
          : tensor.bytes();
    }

    @Override
    public long flops() {
      return 0;
    }

    @Override
    public void differentiate(Backward backward) {
      Tensor dOut = backward.arrived(out);
      Tensor dWte = backward.ofParameter(wte);
      backward.add(new TokenEmbeddingBackward(dWte, dOut, tokens, backward.adds(dWte)));
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.ELEMENTWISE;
    }
  }

  /** dWte(v) (+)= sum of dOut(b,t) over all (b,t) with tokens(b,t) = v, in order of (b,t). */
  record TokenEmbeddingBackward(
      @Writes("Vp,C") @Fp32 Tensor dWte,
      @Reads("B,T,C") Tensor dOut,
      @Reads("B,T") @Integers Tensor tokens,
      boolean accumulate)
      implements Op.ParameterGradient {
    public TokenEmbeddingBackward {
      Operands.fit(TokenEmbeddingBackward.class, dWte, dOut, tokens, accumulate);
    }

    /** Of a table, no more than there are tokens. */
    @Override
    public long touchedBytes(Tensor tensor) {
      boolean table = accumulate && tensor.equals(dWte);
      return table
          ? Math.min(tensor.bytes(), dOut.elements() * tensor.dtype().bytes())
          : tensor.bytes();
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

  /** dWpe(t) (+)= sum over b of dOut(b,t), rows from T on being zero. */
  record PositionEmbeddingBackward(
      @Writes("maxT>=T,C") @Fp32 Tensor dWpe, @Reads("B,T,C") Tensor dOut, boolean accumulate)
      implements Op.ParameterGradient {
    public PositionEmbeddingBackward {
      Operands.fit(PositionEmbeddingBackward.class, dWpe, dOut, accumulate);
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
