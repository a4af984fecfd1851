package dev.anneal.gpu;

import java.util.ArrayList;
import java.util.List;

/**
 * Device memory of a program beside the arenas: constants, which stay, and scratch, which every op
 * has for itself while it runs and which programs share. Laid out twice: at base 0 to learn the
 * size, then where it is.
 */
final class Workspace {
  private static final long ALIGNMENT = 256;

  /** Words that are copied to the device before the first run. */
  record Constant(long offset, long[] words) {}

  /** Some scratch, from an address on. */
  record Room(long address, long bytes) {
    boolean has(long place) {
      return address <= place && place < address + bytes;
    }
  }

  private final long constantBase;
  private final long scratchBase;
  private final List<Constant> constants = new ArrayList<>();
  private final List<Room> rooms = new ArrayList<>();
  private long constantBytes;
  private long scratchUsed;
  private long scratchBytes;

  /** Constants from {@code constantBase} on, scratch from {@code scratchBase} on. */
  Workspace(long constantBase, long scratchBase) {
    this.constantBase = constantBase;
    this.scratchBase = scratchBase;
  }

  private static long aligned(long bytes) {
    return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
  }

  /** Scratch from before may be used again. */
  void nextOp() {
    scratchUsed = 0;
    rooms.clear();
  }

  /** The address of {@code bytes} that are this op's until it ends. */
  long scratch(long bytes) {
    long at = scratchBase + scratchUsed;
    scratchUsed += aligned(bytes);
    scratchBytes = Math.max(scratchBytes, scratchUsed);
    rooms.add(new Room(at, bytes));
    return at;
  }

  /** What this op has taken of scratch. */
  List<Room> rooms() {
    return List.copyOf(rooms);
  }

  /** The address of a copy of {@code words}. */
  long constant(long[] words) {
    long offset = constantBytes;
    constants.add(new Constant(offset, words.clone()));
    constantBytes += aligned(8L * words.length);
    return constantBase + offset;
  }

  /** The words at {@code address}; none where there is no constant. */
  long[] wordsAt(long address) {
    return constants.stream()
        .filter(constant -> constantBase + constant.offset() == address)
        .findFirst()
        .map(Constant::words)
        .orElse(new long[0]);
  }

  List<Constant> constants() {
    return List.copyOf(constants);
  }

  long constantBytes() {
    return constantBytes;
  }

  long scratchBytes() {
    return scratchBytes;
  }
}
