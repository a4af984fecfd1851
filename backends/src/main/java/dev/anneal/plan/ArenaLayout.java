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

  /**
   * Where an arena can be cut, for a device that gives no single allocation as large: at multiples
   * of this, across which no tensor lies that is not larger itself.
   */
  public static final long BLOCK = 1L << 30;

  public ArenaLayout {
    offsets = Map.copyOf(offsets);
  }

  /** All tensors side by side in the order given: for what outlives a step. */
  public static ArenaLayout sequential(Arena arena, List<Tensor> tensors) {
    return sequential(arena, tensors, BLOCK);
  }

  /** Tensors one after the other; one that would lie across two blocks begins in the next. */
  public static ArenaLayout sequential(Arena arena, List<Tensor> tensors, long block) {
    Map<Tensor, Long> offsets = new LinkedHashMap<>();
    long end = 0;
    for (Tensor tensor : tensors) {
      if (tensor.arena() != arena) {
        throw new IllegalArgumentException(
            tensor + " lives in " + tensor.arena() + ", not " + arena);
      }
      long begin = whole(end, tensor.bytes(), block);
      if (offsets.put(tensor, begin) != null) {
        throw new IllegalArgumentException(tensor + " is placed twice");
      }
      end = begin + aligned(tensor.bytes());
    }
    return new ArenaLayout(arena, offsets, end);
  }

  /** The first place from {@code offset} on where {@code bytes} do not lie across two blocks. */
  static long whole(long offset, long bytes, long block) {
    long within = offset % block;
    return within == 0 || within + bytes <= block ? offset : offset - within + block;
  }

  static long aligned(long bytes) {
    return Math.addExact(bytes, ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }
}
