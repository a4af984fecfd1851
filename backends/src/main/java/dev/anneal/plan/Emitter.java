package dev.anneal.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What a model emits its forward pass into: each method adds one op and returns the tensor that it
 * writes. There is nothing here for a backward pass; {@link Backward} derives it.
 */
public final class Emitter {
  private static final float LAYER_NORM_EPSILON = 1e-5f;

  private final List<Op> ops = new ArrayList<>();
  private Optional<Integer> block = Optional.empty();

  /** The ops so far, in order. */
  public List<Op> ops() {
    return List.copyOf(ops);
  }

  /**
   * Emits a block: what {@code body} emits belongs to it. Rewrites that treat blocks alike, such as
   * {@link Recompute#BLOCK}, know them by this alone.
   *
   * @param index of the block, from 0 on
   * @return what {@code body} returns: what the block hands on
   * @throws IllegalStateException within another block
   */
  public Tensor block(int index, Supplier<Tensor> body) {
    if (block.isPresent()) {
      throw new IllegalStateException("block " + index + " within block " + block.get());
    }
    block = Optional.of(index);
    try {
      return body.get();
    } finally {
      block = Optional.empty();
    }
  }

  private Tensor activation(String name, Shape shape) {
    return new Tensor(name, DType.F32, shape, Arena.ACTIVATIONS, Role.OTHER, block);
  }

  /** Token plus position embeddings, (B,T) to (B,T,C); positions count from {@code start}. */
  public Tensor embedding(
      String name, Tensor tokens, Tensor wte, Tensor wpe, Optional<Tensor> start) {
    Shape shape = withInner(tokens.shape(), wte.shape().dim(-1));
    Tensor out = activation(name, shape);
    ops.add(new Op.EmbeddingForward(out, tokens, wte, wpe, start));
    return out;
  }

  /** Token embeddings, (B,T) to (B,T,C). */
  public Tensor tokenEmbedding(String name, Tensor tokens, Tensor wte) {
    Tensor out = activation(name, withInner(tokens.shape(), wte.shape().dim(-1)));
    ops.add(new Op.TokenEmbeddingForward(out, tokens, wte));
    return out;
  }

  public Tensor layerNorm(String name, Tensor in, Tensor weight, Tensor bias) {
    Shape rows = new Shape(in.shape().dims().subList(0, in.shape().rank() - 1));
    Tensor out = activation(name, in.shape());
    Tensor mean = activation(name + ".mean", rows);
    Tensor rstd = activation(name + ".rstd", rows);
    ops.add(new Op.LayerNormForward(out, mean, rstd, in, weight, bias, LAYER_NORM_EPSILON));
    return out;
  }

  public Tensor rmsNorm(String name, Tensor in, Tensor weight, float epsilon) {
    Shape rows = new Shape(in.shape().dims().subList(0, in.shape().rank() - 1));
    Tensor out = activation(name, in.shape());
    Tensor rstd = activation(name + ".rstd", rows);
    ops.add(new Op.RmsNormForward(out, rstd, in, weight, epsilon));
    return out;
  }

  /**
   * Queries and keys rotated by their positions, keys and values repeated for each query's head,
   * (B,T,(NH+2NKV)HS) to (B,T,3 NH HS).
   *
   * @param table as {@link RotaryOps.Grouped#table}
   * @param start of the positions, 0 when absent
   */
  public Tensor rotary(
      String name, Tensor in, Tensor table, Optional<Tensor> start, int heads, int kvHeads) {
    int size = table.shape().dim(-1);
    Tensor out = activation(name, replaceInner(in.shape(), 3 * heads * size));
    ops.add(new Op.RotaryForward(out, in, table, start, heads, kvHeads));
    return out;
  }

  /** silu of the first half times the second, (B,T,2F) to (B,T,F). */
  public Tensor swiGlu(String name, Tensor in) {
    Tensor out = activation(name, replaceInner(in.shape(), in.shape().dim(-1) / 2));
    ops.add(new Op.SwiGluForward(out, in));
    return out;
  }

  /** in weightᵀ + bias, (B,T,K) to (B,T,N). */
  public Tensor linear(String name, Tensor in, Tensor weight, Optional<Tensor> bias) {
    Tensor out = activation(name, replaceInner(in.shape(), weight.shape().dim(0)));
    ops.add(new Op.MatmulForward(out, in, weight, bias));
    return out;
  }

  /** Causal self-attention, (B,T,3C) to (B,T,C). */
  public Tensor attention(String name, Tensor qkv, int heads) {
    Shape shape = qkv.shape();
    Tensor out = activation(name, replaceInner(shape, shape.dim(-1) / 3));
    Tensor logSumExp = activation(name + ".lse", Shape.of(shape.dim(0), heads, shape.dim(1)));
    ops.add(new Op.AttentionForward(out, logSumExp, qkv, heads));
    return out;
  }

  /** Attention of new tokens to a cache that they are appended to, (B,T,3C) to (B,T,C). */
  public Tensor cachedAttention(
      String name, Tensor qkv, Tensor keyCache, Tensor valueCache, Tensor position, int heads) {
    Tensor out = activation(name, replaceInner(qkv.shape(), qkv.shape().dim(-1) / 3));
    ops.add(new Op.CachedAttention(out, keyCache, valueCache, qkv, position, heads));
    return out;
  }

  public Tensor add(String name, Tensor a, Tensor b) {
    Tensor out = activation(name, a.shape());
    ops.add(new Op.Add(out, a, b));
    return out;
  }

  public Tensor gelu(String name, Tensor in) {
    Tensor out = activation(name, in.shape());
    ops.add(new Op.GeluForward(out, in));
    return out;
  }

  /** The loss of each token in nats, (B,T,Vp) to (B,T). */
  public Tensor crossEntropy(String name, Tensor logits, Tensor targets, int vocabulary) {
    Tensor losses = activation(name, targets.shape());
    Tensor logSumExp = activation(name + ".lse", targets.shape());
    ops.add(new Op.CrossEntropyForward(losses, logSumExp, logits, targets, vocabulary));
    return losses;
  }

  /** The mean of all elements, a scalar. */
  public Tensor mean(String name, Tensor in) {
    Tensor out = activation(name, Shape.of());
    ops.add(new Op.MeanForward(out, in));
    return out;
  }

  private static Shape withInner(Shape shape, int inner) {
    List<Integer> dims = new ArrayList<>(shape.dims());
    dims.add(inner);
    return new Shape(dims);
  }

  private static Shape replaceInner(Shape shape, int inner) {
    return withInner(new Shape(shape.dims().subList(0, shape.rank() - 1)), inner);
  }
}
