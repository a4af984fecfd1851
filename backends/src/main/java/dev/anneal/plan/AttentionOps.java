package dev.anneal.plan;

import java.util.List;
import java.util.function.UnaryOperator;

/** Causal self-attention, its gradient, and attention to cached keys and values for decoding. */
public interface AttentionOps {
  /**
   * Causal self-attention: for each head, out = softmax(q kᵀ / sqrt(HS), keys up to the query's own
   * position) v. qkv (B,T,3C) holds q, k and v side by side; out (B,T,C); logSumExp (B,NH,T) is the
   * logarithm of each softmax's denominator.
   *
   * <p>Source: Vaswani et al., 2017; computed as in Dao, "FlashAttention-2", 2023.
   */
  record AttentionForward(Tensor out, Tensor logSumExp, Tensor qkv, int heads)
      implements Op.Forward {
    @Override
    public List<Tensor> reads() {
      return List.of(qkv);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out, logSumExp);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new AttentionForward(f.apply(out), f.apply(logSumExp), f.apply(qkv), heads);
    }

    /** Two products of (T,HS) with (HS,T) per head, of which the causal half is needed. */
    @Override
    public long flops() {
      return 2 * out.elements() * (out.shape().dim(-2) + 1);
    }
  }

  /**
   * The gradient of {@link AttentionForward}. dQkv (B,T,3C), dOut and out (B,T,C); {@code delta}
   * (B,NH,T) is room for the row sums of dOut * out.
   */
  record AttentionBackward(
      Tensor dQkv, Tensor delta, Tensor dOut, Tensor qkv, Tensor out, Tensor logSumExp, int heads)
      implements Op.Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut, qkv, out, logSumExp);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dQkv, delta);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new AttentionBackward(
          f.apply(dQkv),
          f.apply(delta),
          f.apply(dOut),
          f.apply(qkv),
          f.apply(out),
          f.apply(logSumExp),
          heads);
    }

    /** Five products where the forward pass has two. */
    @Override
    public long flops() {
      return 5 * out.elements() * (out.shape().dim(-2) + 1);
    }
  }

  /**
   * Attention of T new tokens to themselves and to all before them: appends their keys and values
   * to the caches at {@code position}, then out as in {@link AttentionForward}. qkv (B,T,3C),
   * caches (B,maxT,C), position one integer, out (B,T,C).
   */
  record CachedAttention(
      Tensor out, Tensor keyCache, Tensor valueCache, Tensor qkv, Tensor position, int heads)
      implements Op.Forward {
    @Override
    public List<Tensor> reads() {
      return List.of(qkv, position, keyCache, valueCache);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out, keyCache, valueCache);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new CachedAttention(
          f.apply(out),
          f.apply(keyCache),
          f.apply(valueCache),
          f.apply(qkv),
          f.apply(position),
          heads);
    }

    /** At a full cache. */
    @Override
    public long flops() {
      return 4 * out.elements() * keyCache.shape().dim(-2);
    }
  }
}
