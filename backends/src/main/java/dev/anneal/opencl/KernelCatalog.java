package dev.anneal.opencl;

import dev.anneal.device.KernelFamily;
import dev.anneal.plan.Op;
import java.util.List;

/** The kernels that have versions, and which version suits which device. */
final class KernelCatalog {
  /** Work-items of the versions that share local memory. */
  static final int GROUP = 256;

  /** Local memory that versions use at most, but for those that say otherwise. */
  static final long LOCAL_BYTES = 16 * 1024;

  /** What OpenCL 1.1 and later promise of every device that is no embedded one. */
  private static final long MORE_LOCAL_BYTES = 32 * 1024;

  private static final String PER_ELEMENT = "one work-item per element";
  private static final String PER_ROW = "one work-item per row";
  private static final String VECTORS = "for CPUs: sixteen elements per work-item, as one vector";
  private static final String SQUARES =
      "for GPUs: 64 x 64 results per work-group, through local memory, 4 x 4 per work-item";
  private static final String TALL_TILES =
      "for GPUs: 128 x 64 results per work-group, 8 x 4 per work-item, without bank conflicts, by"
          + " vectors, the next tile on its way";
  private static final String MATRIX_UNITS = "for GPUs with matrix units: ";
  private static final String UNITS =
      MATRIX_UNITS
          + "64 x 64 results per work-group, bf16 by bf16, weights in two parts; v4 for other"
          + " dtypes";
  private static final String PANELS =
      "for CPUs: 8 x 32 results in vector registers, operands packed into panels";
  private static final String GROUP_PER_ROW =
      "for GPUs: one work-group per row, sums as a tree in local memory";
  private static final String SUB_GROUPS = "for GPUs with sub-groups: ";
  private static final String EXCHANGES =
      SUB_GROUPS
          + "v2, sums by exchanges between lanes, in the same order at any size of sub-group";
  private static final String LANES = "for CPUs: one work-item per row, in sixteen lanes";
  private static final String TILED_TOKENS =
      "for GPUs: one work-group per 64 tokens, the others through local memory";
  private static final String LANES_OF_TOKENS =
      "for GPUs: eight lanes per query or key, rows of 32 or 16 through local memory, by vectors";
  private static final String PACKED_TOKENS =
      "for CPUs: 8 tokens per work-item, the others packed into panels of 32";

  static final List<KernelFamily> FAMILIES =
      List.of(
          family(
              "matmul_forward",
              Op.MatmulForward.class,
              PER_ELEMENT,
              SQUARES,
              PANELS,
              TALL_TILES,
              UNITS),
          family(
              "matmul_backward_input",
              Op.MatmulBackwardInput.class,
              PER_ELEMENT,
              SQUARES,
              PANELS,
              TALL_TILES,
              UNITS),
          family(
              "matmul_backward_weight",
              Op.MatmulBackwardWeight.class,
              PER_ELEMENT,
              SQUARES,
              PANELS,
              TALL_TILES,
              UNITS),
          family(
              "bias_backward",
              Op.BiasBackward.class,
              "one work-item per column",
              "one work-item per column and tile of 64 rows",
              "for CPUs: one work-item per 64 columns and tile of 64 rows"),
          family(
              "attention_forward",
              Op.AttentionForward.class,
              "one work-item per query",
              TILED_TOKENS,
              PACKED_TOKENS,
              LANES_OF_TOKENS),
          family(
              "attention_backward",
              Op.AttentionBackward.class,
              "one work-item per query, and one per key",
              TILED_TOKENS,
              PACKED_TOKENS,
              LANES_OF_TOKENS),
          family(
              "layernorm_forward",
              Op.LayerNormForward.class,
              PER_ROW,
              GROUP_PER_ROW,
              LANES,
              EXCHANGES),
          family(
              "layernorm_backward",
              Op.LayerNormBackward.class,
              PER_ROW,
              GROUP_PER_ROW,
              LANES,
              EXCHANGES),
          family(
              "cross_entropy_forward",
              Op.CrossEntropyForward.class,
              PER_ROW,
              GROUP_PER_ROW,
              LANES,
              EXCHANGES),
          family("cross_entropy_backward", Op.CrossEntropyBackward.class, PER_ELEMENT, VECTORS),
          family("gelu_forward", Op.GeluForward.class, PER_ELEMENT, VECTORS),
          family("gelu_backward", Op.GeluBackward.class, PER_ELEMENT, VECTORS),
          family(
              "token_embedding_backward",
              Op.TokenEmbeddingBackward.class,
              "one work-item per channel, over all tokens in order",
              "one work-item per channel and distinct token, along a chain of equal tokens"),
          family("adamw", Op.AdamW.class, PER_ELEMENT, VECTORS),
          family(
              "global_norm",
              Op.GlobalNorm.class,
              "one launch per gradient, one work-item per tile of 4096 elements",
              "for GPUs: one launch, one work-group per tile",
              "for CPUs: one launch, one work-item per tile, in sixteen lanes",
              "for GPUs: v2, with the tiles' sums added by a work-group",
              SUB_GROUPS + "v4, sums by exchanges between lanes"),
          family(
              "mean_forward",
              Op.MeanForward.class,
              "one work-item, number after number",
              "for GPUs: one work-group, sums as a tree in local memory",
              EXCHANGES));

  private KernelCatalog() {}

  private static KernelFamily family(String name, Class<? extends Op> op, String... ideas) {
    return new KernelFamily(name, op, List.of(ideas));
  }

  /** The version that is best on devices of this kind, as far as we know without timing it. */
  static int suited(KernelFamily family, DeviceLimits limits) {
    return suited(family, limits, family.versions());
  }

  /** The same among the versions up to {@code last}. */
  static int suited(KernelFamily family, DeviceLimits limits, int last) {
    for (int v = last; v > 1; v--) {
      boolean meant = limits.vectors() ? !forGpus(family, v) : !forCpus(family, v);
      if (meant && fits(family, v, limits)) {
        return v;
      }
    }
    return 1;
  }

  static boolean forCpus(KernelFamily family, int version) {
    return family.ideas().get(version - 1).startsWith("for CPUs");
  }

  static boolean forGpus(KernelFamily family, int version) {
    return family.ideas().get(version - 1).startsWith("for GPUs");
  }

  /** Whether a version is for devices whose work-items exchange numbers in sub-groups. */
  static boolean exchanges(KernelFamily family, int version) {
    return family.ideas().get(version - 1).startsWith(SUB_GROUPS);
  }

  /** Whether a version is for devices with matrix units. */
  static boolean multiplies(KernelFamily family, int version) {
    return family.ideas().get(version - 1).startsWith(MATRIX_UNITS);
  }

  /** Whether the device has what a version needs that not every GPU has. */
  static boolean offers(KernelFamily family, int version, DeviceLimits limits) {
    return (!exchanges(family, version) || limits.subGroups().offered())
        && (!multiplies(family, version) || limits.matrixUnits().offered());
  }

  /** Local memory that a version uses at most. */
  static long localBytes(KernelFamily family, int version) {
    return family.ideas().get(version - 1).equals(LANES_OF_TOKENS) ? MORE_LOCAL_BYTES : LOCAL_BYTES;
  }

  /** Whether the device has the work-group size and the local memory that a version uses. */
  static boolean fits(KernelFamily family, int version, DeviceLimits limits) {
    return version == 1
        || (limits.localBytes() >= localBytes(family, version)
            && (!forGpus(family, version) || limits.workGroup() >= GROUP)
            && offers(family, version, limits));
  }
}
