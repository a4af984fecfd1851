package dev.anneal.plan;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Where the tensors of one arena lie: byte offsets from its start, and the bytes it needs. Offsets
 * are multiples of {@link #ALIGNMENT}.
 */
public record ArenaLayout(Arena arena, Map<Tensor, Long> offsets, long bytes) {
  /**
   * What GPUs' libraries take for granted of a matrix unless they are told otherwise; more than a
   * cache line, and than the widest vector that any CPU loads.
   */
  public static final long ALIGNMENT = 256;

  public ArenaLayout {
    offsets = Map.copyOf(offsets);
  }

  /** All tensors side by side in the order given: for what outlives a step. */
  public static ArenaLayout sequential(Arena arena, List<Tensor> tensors) {
    Map<Tensor, Long> offsets = new LinkedHashMap<>();
    long end = 0;
    for (Tensor tensor : tensors) {
      if (tensor.arena() != arena) {
        throw new IllegalArgumentException(
            tensor + " lives in " + tensor.arena() + ", not " + arena);
      }
      if (offsets.put(tensor, end) != null) {
        throw new IllegalArgumentException(tensor + " is placed twice");
      }
      end += aligned(tensor.bytes());
    }
    return new ArenaLayout(arena, offsets, end);
  }

  static long aligned(long bytes) {
    return Math.addExact(bytes, ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }
}
