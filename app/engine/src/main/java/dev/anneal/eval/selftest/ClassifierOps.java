package dev.anneal.eval.selftest;

import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Optional;

/**
 * What a step ends its forward pass and begins its backward pass with, on some rows: logits, losses
 * and the gradients of both. The gradient of the logits lies where these were.
 */
record ClassifierOps(
    Op.MatmulForward product,
    Op.CrossEntropyForward loss,
    Op.CrossEntropyBackward gradient,
    Op.MatmulBackwardWeight weight,
    Op.MatmulBackwardInput input) {
  static final int VOCABULARY = 50257;

  /** The tensor that all rows share. */
  static final String WEIGHT = "weight";

  /** The gradients of the losses, which are 1. */
  static final String UNIT = "dLosses";

  private static final int PADDED = 50304;
  private static final int CHANNELS = 32;

  /**
   * @param dtype of activations
   * @param weights of the weight
   */
  static ClassifierOps of(int rows, DType dtype, DType weights) {
    Tensor in = tensor("in", dtype, 1, rows, CHANNELS);
    Tensor weight = tensor(WEIGHT, weights, PADDED, CHANNELS);
    Tensor logits = tensor("logits", dtype, 1, rows, PADDED);
    Tensor targets = tensor("targets", DType.I32, 1, rows);
    Tensor lse = tensor("lse", DType.F32, 1, rows);
    Tensor losses = tensor("losses", DType.F32, 1, rows);
    Tensor dLosses = tensor(UNIT, DType.F32, 1, rows);
    Tensor dWeight = tensor("dWeight", DType.F32, PADDED, CHANNELS);
    Tensor dIn = tensor("dIn", dtype, 1, rows, CHANNELS);
    return new ClassifierOps(
        new Op.MatmulForward(logits, in, weight, Optional.empty()),
        new Op.CrossEntropyForward(losses, lse, logits, targets, VOCABULARY),
        new Op.CrossEntropyBackward(logits, dLosses, logits, lse, targets, VOCABULARY),
        new Op.MatmulBackwardWeight(dWeight, logits, in, false),
        new Op.MatmulBackwardInput(dIn, logits, weight));
  }

  private static Tensor tensor(String name, DType dtype, int... dims) {
    return new Tensor(name, dtype, Shape.of(dims), Arena.INPUTS);
  }

  List<Op> all() {
    return List.of(product, loss, gradient, weight, input);
  }

  List<Tensor> tensors() {
    return all().stream().flatMap(op -> op.tensors().stream()).distinct().toList();
  }

  /** What is there before. */
  List<Tensor> given() {
    return List.of(product.in(), product.weight(), loss.targets(), gradient.dLosses());
  }

  /** The ops whose results nothing overwrites. */
  List<Op> results() {
    return List.of(loss, weight, input);
  }
}
