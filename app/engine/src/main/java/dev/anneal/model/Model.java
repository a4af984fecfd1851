package dev.anneal.model;

import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Emitter;
import dev.anneal.plan.Role;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** A transformer: its parameters, and the forward pass that it emits. */
public interface Model {

  /** Short words for what it is, e.g. {@code GPT-2, 12 layers, 12 heads, 768 channels}. */
  String description();

  /** What made it. */
  ModelConfig config();

  /** V: valid token ids are below it. */
  default int vocabulary() {
    return config().vocabulary();
  }

  /** C: the width of the hidden states. */
  default int channels() {
    return config().channels();
  }

  /** Channels of one attention head. */
  default int headSize() {
    return config().sizes().headSize();
  }

  /** The longest sequence. */
  default int context() {
    return config().context();
  }

  /** In the order of its checkpoints. */
  List<Parameter> parameters();

  default long parameterCount() {
    return parameters().stream().mapToLong(p -> p.tensor().elements()).sum();
  }

  /**
   * What never changes and is no parameter: tables that its ops read, for sequences up to {@code
   * length}. They are inputs that are written once.
   */
  default List<Constant> constants(int length) {
    return List.of();
  }

  /** A tensor of the inputs arena, fp32, and what is in it. */
  record Constant(Tensor tensor, Supplier<float[]> values) {}

  /** The hidden states after the last norm, (B,T) tokens to (B,T,C). */
  Tensor hidden(Emitter emit, Tensor tokens, Attention attention);

  /** (B,T,C) hidden states to (B,T,Vp) logits. */
  Tensor logits(Emitter emit, Tensor hidden);

  /** The key and value caches that decoding needs, for sequences up to {@code length}. */
  List<KeyValueCache> caches(int batch, int length);

  /** One block's cache, each (B, length, channels of all heads of keys). */
  record KeyValueCache(Tensor keys, Tensor values) {
    /** The cache of block {@code index}, of a shape, with names that begin with {@code name}. */
    public static KeyValueCache of(String name, int index, Shape shape) {
      return new KeyValueCache(
          cache(name + ".keys", index, shape), cache(name + ".values", index, shape));
    }

    private static Tensor cache(String name, int index, Shape shape) {
      return new Tensor(name, DType.F32, shape, Arena.KV_CACHE, Role.OTHER, Optional.of(index));
    }
  }

  /** Which tokens a token attends to. */
  sealed interface Attention {
    /** Whole sequences from position 0, as in training. */
    record Causal() implements Attention {}

    /** New tokens from {@code position}, one integer, on, and all that the caches hold. */
    record Cached(List<KeyValueCache> caches, Tensor position) implements Attention {
      public Cached {
        caches = List.copyOf(caches);
      }
    }
  }
}
