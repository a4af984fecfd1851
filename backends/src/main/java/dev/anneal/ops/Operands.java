package dev.anneal.ops;

import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;

/** Tensors that ops are tried on, each in the arena whose storage it shares in a training step. */
final class Operands {
  private Operands() {}

  /** What stays fp32 whatever activations and weights are stored in. */
  static Tensor f(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.INPUTS);
  }

  static Tensor activations(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.ACTIVATIONS);
  }

  static Tensor parameter(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.PARAMETERS);
  }

  static Tensor cache(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.KV_CACHE);
  }

  /** Integers, such as token ids. */
  static Tensor i(String name, int... dims) {
    return new Tensor(name, DType.I32, Shape.of(dims), Arena.INPUTS);
  }
}
