package dev.anneal.launch;

import dev.anneal.device.Suits.Feature;
import java.util.Set;

/**
 * How a device launches the kernels for its tensor cores, or what its vendor calls them:
 * matmul_mma.cu and attention_mma.cu, of which each vendor has its own under the same names.
 *
 * @param product the three products, in tiles of 128 x 128
 * @param narrow attention with heads of 64 channels
 * @param wide with heads of 128
 * @param later versions that not every such unit has kernels for
 */
public record MatrixKernels(
    Block product, Attention narrow, Attention wide, Set<LaterVersion> later) {

  /** What versions need that not every compiler and driver takes. */
  static final Set<Feature> LATER = Set.of(Feature.LATER_ATTENTION, Feature.LATER_PRODUCTS);

  public MatrixKernels {
    later = Set.copyOf(later);
  }

  /** Those that all have. */
  public MatrixKernels(Block product, Attention narrow, Attention wide) {
    this(product, narrow, wide, Set.of());
  }

  /** Kernels of files of their own, one version after those in the files above. */
  public enum LaterVersion {
    /** attention_wide.cu and attention_sweep.cu: blocks of 256 threads and 128 rows. */
    ATTENTION,
    /** matmul_deep.cu, in the blocks of {@code product}. */
    PRODUCTS
  }

  /**
   * A block.
   *
   * @param rows of the result that it computes
   * @param sharedBytes beside what the kernel declares
   */
  public record Block(int threads, int rows, int sharedBytes) {}

  /** A block of each kernel; of {@code backwardKey} the rows are keys, of the others queries. */
  public record Attention(Block forward, Block backwardKey, Block backwardQuery) {}

  /** The kernels for heads of {@code hs} channels. */
  Attention attention(int hs) {
    return switch (hs) {
      case 64 -> narrow;
      case 128 -> wide;
      default -> throw new IllegalArgumentException("no kernel has heads of " + hs);
    };
  }
}
