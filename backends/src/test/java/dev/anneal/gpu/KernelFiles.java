package dev.anneal.gpu;

import java.util.List;

/** The kernel files. */
public final class KernelFiles {
  /** For every GPU. */
  public static final List<String> PORTABLE =
      List.of(
          "adamw.cu",
          "adamw_rounded.cu",
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
          "muon.cu",
          "quantize.cu",
          "residual.cu",
          "rmsnorm.cu",
          "rotary.cu",
          "scaled_matmul.cu",
          "swiglu.cu");

  /** For tensor cores; each vendor has its own of these names. */
  public static final List<String> TENSOR_CORES = List.of("attention_mma.cu", "matmul_mma.cu");

  /** For any of AMD's. */
  public static final String DEEP = "matmul_deep.cu";

  /** For CDNA's alone. */
  public static final List<String> CDNA = List.of("attention_wide.cu", "attention_sweep.cu");

  private KernelFiles() {}
}
