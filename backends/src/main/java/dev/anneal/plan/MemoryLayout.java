package dev.anneal.plan;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The place of every tensor of a plan: an {@link ArenaLayout} for each arena it uses. */
public record MemoryLayout(Map<Arena, ArenaLayout> arenas) {

  public MemoryLayout {
    arenas = Map.copyOf(arenas);
  }

  /** The byte offset of {@code tensor} from the start of its arena. */
  public long offset(Tensor tensor) {
    ArenaLayout layout = arenas.get(tensor.arena());
    Long offset = layout == null ? null : layout.offsets().get(tensor);
    if (offset == null) {
      throw new IllegalArgumentException(tensor + " has no place in " + tensor.arena());
    }
    return offset;
  }

  /** The bytes that {@code arena} needs; 0 for one that is not used. */
  public long bytes(Arena arena) {
    ArenaLayout layout = arenas.get(arena);
    return layout == null ? 0 : layout.bytes();
  }

  /** The bytes of all arenas together. */
  public long bytes() {
    return arenas.values().stream().mapToLong(ArenaLayout::bytes).sum();
  }

  /**
   * Lays out {@code ops}: what outlives a step as {@code persistent} says, activations so that no
   * two that are alive at once share a byte.
   *
   * @param results activations that are read after the last op
   * @throws IllegalArgumentException when a tensor is read before it is written, or has no place
   */
  static MemoryLayout of(
      List<Op> ops, Collection<Tensor> results, Collection<ArenaLayout> persistent) {
    Map<Arena, ArenaLayout> arenas = new EnumMap<>(Arena.class);
    persistent.forEach(layout -> arenas.put(layout.arena(), layout));
    arenas.put(Arena.ACTIVATIONS, activations(Lifetimes.of(ops, results), ArenaLayout.BLOCK));
    MemoryLayout layout = new MemoryLayout(arenas);
    ops.forEach(op -> op.tensors().forEach(layout::offset));
    return layout;
  }

  /**
   * Largest first, each at the lowest offset where it meets no buffer that is alive with it: the
   * greedy-by-size method of Pisarchyk, Lee, "Efficient Memory Management for Deep Neural Net
   * Inference", 2020.
   */
  static ArenaLayout activations(List<Lifetimes.Buffer> buffers, long block) {
    record Placed(Lifetimes.Buffer buffer, long offset) {
      long end() {
        return offset + buffer.bytes();
      }
    }
    List<Lifetimes.Buffer> largestFirst = new ArrayList<>(buffers);
    largestFirst.sort(Comparator.comparingLong(Lifetimes.Buffer::bytes).reversed());
    List<Placed> byOffset = new ArrayList<>();
    Map<Tensor, Long> offsets = new HashMap<>();
    long bytes = 0;
    for (Lifetimes.Buffer buffer : largestFirst) {
      long offset = 0;
      for (Placed other : byOffset) {
        if (other.buffer.overlaps(buffer)) {
          if (other.offset - ArenaLayout.whole(offset, buffer.bytes(), block) >= buffer.bytes()) {
            break;
          }
          offset = Math.max(offset, other.end());
        }
      }
      offset = ArenaLayout.whole(offset, buffer.bytes(), block);
      Placed placed = new Placed(buffer, offset);
      int at = 0;
      while (at < byOffset.size() && byOffset.get(at).offset <= offset) {
        at++;
      }
      byOffset.add(at, placed);
      for (Tensor tensor : buffer.tensors()) {
        offsets.put(tensor, offset);
      }
      bytes = Math.max(bytes, placed.end());
    }
    return new ArenaLayout(Arena.ACTIVATIONS, offsets, bytes);
  }
}
