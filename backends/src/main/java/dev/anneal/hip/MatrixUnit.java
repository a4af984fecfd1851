package dev.anneal.hip;

import dev.anneal.launch.MatrixKernels;
import dev.anneal.launch.MatrixKernels.Attention;
import dev.anneal.launch.MatrixKernels.Block;
import dev.anneal.launch.MatrixKernels.LaterVersion;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which instructions multiply matrices of bf16, and how matmul_mma.cu and attention_mma.cu of
 * kernels-hip are launched for them. The kernels declare their shared memory themselves.
 */
enum MatrixUnit {
  /** Without bf16: the portable kernels serve. */
  NONE,
  /** CDNA's, from gfx90a on. */
  MFMA,
  /** RDNA 3's. */
  WMMA,
  /** RDNA 4's, with another layout of operands. */
  WMMA_12;

  private static final int TILE = 128;
  private static final Block LARGE = new Block(256, TILE, 0);
  private static final Block SMALL = new Block(128, 64, 0);

  /** Those of an architecture, by its name. */
  static MatrixUnit of(String architecture) {
    if (List.of("gfx90a", "gfx942", "gfx950").contains(architecture)) {
      return MFMA;
    }
    // Of these families alone: gfx1170 and gfx1250 have other units, for which no kernel is
    // written.
    if (architecture.startsWith("gfx110") || architecture.startsWith("gfx115")) {
      return WMMA;
    }
    return architecture.matches("gfx120.") ? WMMA_12 : NONE;
  }

  Optional<MatrixKernels> kernels() {
    Block backward = this == MFMA ? LARGE : SMALL;
    Attention attention = new Attention(LARGE, backward, backward);
    return this == NONE
        ? Optional.empty()
        : Optional.of(new MatrixKernels(LARGE, attention, attention, later()));
  }

  private Set<LaterVersion> later() {
    return switch (this) {
      case NONE -> Set.of();
      case MFMA -> Set.of(LaterVersion.ATTENTION, LaterVersion.PRODUCTS);
      case WMMA, WMMA_12 -> Set.of(LaterVersion.PRODUCTS);
    };
  }

  /** What matrix.cuh wants to be told; nothing where it is not for. */
  List<String> options() {
    return this == NONE ? List.of() : List.of("-DMATRIX_" + name());
  }
}
