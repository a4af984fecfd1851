package dev.anneal.launch;

import java.util.ArrayList;
import java.util.List;

/**
 * The scratch of a program: every op has it for itself while it runs. How much there must be is
 * known when the launches of all ops are.
 */
public final class Workspace {
  private final long alignment;
  private final List<Place.Scratch> rooms = new ArrayList<>();
  private long used;
  private long mostOfOp;
  private long most;

  /** One whose rooms begin at multiples of {@code alignment} bytes. */
  public Workspace(long alignment) {
    this.alignment = alignment;
  }

  /** What a vendor's allocations are multiples of at least. */
  public static final long ALIGNMENT = 256;

  public static long aligned(long bytes, long alignment) {
    return Math.ceilDiv(bytes, alignment) * alignment;
  }

  /** Scratch from before may be used again. */
  void nextOp() {
    nextPart();
    mostOfOp = 0;
  }

  /** The same between the parts of an op. */
  void nextPart() {
    used = 0;
    rooms.clear();
  }

  /** Room for {@code bytes} that are this op's until it ends. */
  Place.Scratch take(long bytes) {
    Place.Scratch room = new Place.Scratch(used, bytes, 0);
    used += aligned(bytes, alignment);
    mostOfOp = Math.max(mostOfOp, used);
    most = Math.max(most, used);
    rooms.add(room);
    return room;
  }

  /** What this op has taken so far. */
  List<Place.Scratch> rooms() {
    return List.copyOf(rooms);
  }

  /** Where an attempt begins, which may come to nothing. */
  record State(long used, long mostOfOp, long most, int rooms) {}

  State state() {
    return new State(used, mostOfOp, most, rooms.size());
  }

  /** Gives back what was taken since. */
  void back(State before) {
    used = before.used();
    mostOfOp = before.mostOfOp();
    most = before.most();
    rooms.subList(before.rooms(), rooms.size()).clear();
  }

  /** What this op needs at most at once. */
  long bytesOfOp() {
    return mostOfOp;
  }

  /** What the neediest op needs. */
  public long bytes() {
    return most;
  }
}
