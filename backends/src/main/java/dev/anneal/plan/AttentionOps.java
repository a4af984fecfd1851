package dev.anneal.plan;

import dev.anneal.plan.Operand.Fp32;
import dev.anneal.plan.Operand.Integers;
import dev.anneal.plan.Operand.Reads;
import dev.anneal.plan.Operand.Updates;
import dev.anneal.plan.Operand.Writes;

/** Causal self-attention, its gradient, and attention to cached keys and values for decoding. */
public interface AttentionOps {
  /** An op with a number of heads. */
  sealed interface WithHeads extends Op
      permits AttentionForward, AttentionBackward, CachedAttention {
    int heads();

    /** (B,T,C): the values that were attended to. */
    Tensor out();

    /** The channels of a head. */
    default int headSize() {
      return out().shape().dim(-1) / heads();
    }

    static void check(Tensor out, int heads) {
      if (heads < 1 || out.shape().dim(-1) % heads != 0) {
        throw new IllegalArgumentException(
            out + " has channels that " + heads + " heads do not divide");
      }
    }
  }

  /**
   * Causal self-attention: for each head, out = softmax(q kᵀ / sqrt(HS), keys up to the query's own
   * position) v. qkv (B,T,3C) holds q, k and v side by side; out (B,T,C); logSumExp (B,NH,T) is the
   * logarithm of each softmax's denominator.
   *
   * <p>Source: Vaswani et al., 2017; computed as in Dao, "FlashAttention-2", 2023.
   */
  record AttentionForward(
      @Writes("B,T,C") Tensor out,
      @Writes("B,heads,T") @Fp32 Tensor logSumExp,
      @Reads("B,T,3C") Tensor qkv,
      int heads)
      implements Op.Forward, WithHeads {
    public AttentionForward {
      Operands.fit(AttentionForward.class, out, logSumExp, qkv, heads);
      WithHeads.check(out, heads);
    }

    /** Two products of (T,HS) with (HS,T) per head, of which the causal half is needed. */
    @Override
    public long flops() {
      return 2 * out.elements() * (out.shape().dim(-2) + 1);
    }

    @Override
    public void differentiate(Backward backward) {
      Tensor dOut = backward.arrived(out);
      Tensor delta = backward.fresh("delta." + out.name(), logSumExp);
      backward.contribute(
          qkv, dQkv -> new AttentionBackward(dQkv, delta, dOut, qkv, out, logSumExp, heads));
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.ATTENTION;
    }
  }

  /**
   * The gradient of {@link AttentionForward}. dQkv (B,T,3C), dOut and out (B,T,C); {@code delta}
   * (B,NH,T) is room for the row sums of dOut * out.
   */
  record AttentionBackward(
      @Writes("B,T,3C") Tensor dQkv,
      @Writes("B,heads,T") @Fp32 Tensor delta,
      @Reads("B,T,C") Tensor dOut,
      @Reads("B,T,3C") Tensor qkv,
      @Reads("B,T,C") Tensor out,
      @Reads("B,heads,T") @Fp32 Tensor logSumExp,
      int heads)
      implements Op.Gradient, WithHeads {
    public AttentionBackward {
      Operands.fit(AttentionBackward.class, dQkv, delta, dOut, qkv, out, logSumExp, heads);
      WithHeads.check(out, heads);
    }

    /** Five products where the forward pass has two. */
    @Override
    public long flops() {
      return 5 * out.elements() * (out.shape().dim(-2) + 1);
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.ATTENTION;
    }
  }

  /**
   * Attention of T new tokens to themselves and to all before them: appends their keys and values
   * to the caches at {@code position}, then out as in {@link AttentionForward}. qkv (B,T,3C),
   * caches (B,maxT,C), position one integer, out (B,T,C).
   */
  record CachedAttention(
      @Writes("B,T,C") Tensor out,
      @Updates("B,maxT>=T,C") Tensor keyCache,
      @Updates("B,maxT>=T,C") Tensor valueCache,
      @Reads("B,T,3C") Tensor qkv,
      @Reads("") @Integers Tensor position,
      int heads)
      implements Op.Forward, WithHeads {
    public CachedAttention {
      Operands.fit(CachedAttention.class, out, keyCache, valueCache, qkv, position, heads);
      WithHeads.check(out, heads);
    }

    /** At a full cache. */
    @Override
    public long flops() {
      return 4 * out.elements() * keyCache.shape().dim(-2);
    }

    @Override
    public void differentiate(Backward backward) {
      throw Backward.noRule(this);
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.CACHED_ATTENTION;
    }
  }
}
