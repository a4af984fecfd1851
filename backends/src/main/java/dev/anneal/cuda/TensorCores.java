package dev.anneal.cuda;

import dev.anneal.launch.MatrixKernels;
import dev.anneal.launch.MatrixKernels.Attention;
import dev.anneal.launch.MatrixKernels.Block;
import java.util.Optional;

/** How matmul_mma.cu and attention_mma.cu of kernels-cuda are launched. */
final class TensorCores {
  /** The first capability with bf16: Ampere's. */
  private static final int FIRST = 80;

  private static final int THREADS = 128;
  private static final int TILE = 128;
  private static final int DEPTH = 32;
  private static final int FORWARD_ROWS = 128;

  /** Queries or keys that the backward pass goes through at once. */
  private static final int BACKWARD_LOOP = 32;

  private static final int BF16_BYTES = 2;
  private static final int FLOAT_BYTES = 4;

  private static final MatrixKernels KERNELS =
      new MatrixKernels(
          // Three stages of two tiles.
          new Block(THREADS, TILE, 3 * 2 * BF16_BYTES * TILE * DEPTH),
          attention(64, 64, 128),
          attention(128, 32, 64));

  private TensorCores() {}

  static Optional<MatrixKernels> of(int capability) {
    return capability >= FIRST ? Optional.of(KERNELS) : Optional.empty();
  }

  /**
   * Heads of {@code hs} channels.
   *
   * @param keys that the forward pass goes through at once: fewer where rows are long
   * @param rows of a block of the backward pass
   */
  private static Attention attention(int hs, int keys, int rows) {
    int rowBytes = BF16_BYTES * hs;
    int tiles = rowBytes * (2 * rows + 4 * BACKWARD_LOOP);
    // Beside the tiles, logSumExp and delta of two tiles of queries.
    int statistics = 2 * 2 * FLOAT_BYTES * BACKWARD_LOOP;
    return new Attention(
        new Block(THREADS, FORWARD_ROWS, rowBytes * (FORWARD_ROWS + 2 * keys)),
        new Block(THREADS, rows, tiles + statistics),
        new Block(THREADS, rows, tiles));
  }
}
