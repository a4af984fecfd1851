package dev.anneal.plan;

/**
 * The places tensors live in: one allocation each, made before the first step. Only {@link
 * #ACTIVATIONS} is shared by tensors whose lifetimes do not overlap.
 */
public enum Arena {
  PARAMETERS,
  /** Copies of the parameters in the format that products read; see {@link WeightCopies}. */
  WEIGHTS,
  GRADIENTS,
  /** AdamW's first and second moments. */
  OPTIMIZER,
  ACTIVATIONS,
  /** All that changes from step to step: tokens, targets, learning rate, position. */
  INPUTS,
  KV_CACHE
}
