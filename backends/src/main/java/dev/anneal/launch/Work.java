package dev.anneal.launch;

import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;

/**
 * What a launch has to do, at most: the work of the op that it is a part of.
 *
 * @param flops additions and multiplications
 * @param bytes of memory read and written, each once
 */
public record Work(long flops, long bytes) {
  public static final Work NONE = new Work(0, 0);

  public static Work of(Op op) {
    return new Work(op.flops(), op.tensors().stream().mapToLong(Tensor::bytes).sum());
  }
}
