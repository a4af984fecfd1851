package dev.anneal.eval;

import dev.anneal.optimizer.AdamW;

/** How the steps of a {@link Verification} update: each as a reference that is published does. */
public enum VerificationRecipe {
  /** As llm.c's CPU trainer: every parameter decays, and nothing is clipped. */
  LLMC(1e-4, new AdamW(0.9f, 0.999f, 1e-8f, 0.01f, AdamW.Decay.ALL, Float.POSITIVE_INFINITY)),
  /** PyTorch's Adam with its defaults but for the learning rate: no decay, no clipping. */
  PLAIN(1e-4, new AdamW(0.9f, 0.999f, 1e-8f, 0, AdamW.Decay.MATRICES, Float.POSITIVE_INFINITY)),
  /**
   * As models are pretrained: matrices and embeddings decay, and the global norm is clipped to 1.
   */
  RECIPE(1e-3, new AdamW(0.9f, 0.95f, 1e-8f, 0.1f, AdamW.Decay.MATRICES, 1));

  private final double lr;
  private final AdamW optimizer;

  VerificationRecipe(double lr, AdamW optimizer) {
    this.lr = lr;
    this.optimizer = optimizer;
  }

  /** The learning rate where none is given. */
  public double lr() {
    return lr;
  }

  public AdamW optimizer() {
    return optimizer;
  }
}
