package dev.anneal.gpu;

import java.util.List;

/** The kernel files that are portable. */
public final class KernelFiles {
  public static final List<String> ALL =
      List.of(
          "adamw.cu",
          "attention.cu",
          "bias.cu",
          "cached_attention.cu",
          "cast.cu",
          "cross_entropy.cu",
          "embedding.cu",
          "fill.cu",
          "gelu.cu",
          "global_norm.cu",
          "layernorm.cu",
          "matmul.cu",
          "mean.cu",
          "residual.cu");

  private KernelFiles() {}
}
