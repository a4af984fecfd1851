package dev.anneal.opencl;

import dev.anneal.device.Memory;
import java.util.List;
import java.util.Optional;
import org.jocl.CL;
import org.jocl.cl_mem;

/**
 * An arena in one buffer of the device, or in several where it is larger than the largest that the
 * driver gives.
 */
final class OpenClMemory implements Memory {

  /** Bytes {@code from} to {@code to} of the arena. */
  record Piece(cl_mem buffer, long from, long to) {
    private boolean has(long begin, long bytes) {
      return begin >= from && begin + bytes <= to;
    }
  }

  private final List<Piece> pieces;
  private final long bytes;
  private final Runnable released;

  /**
   * @param pieces in order
   * @param released told once, when the memory is given back
   */
  OpenClMemory(List<Piece> pieces, long bytes, Runnable released) {
    this.pieces = List.copyOf(pieces);
    this.bytes = bytes;
    this.released = released;
  }

  List<Piece> pieces() {
    return pieces;
  }

  /** The only one. */
  cl_mem buffer() {
    if (pieces.size() > 1) {
      throw new IllegalStateException("a memory in " + pieces.size() + " pieces has no one buffer");
    }
    return pieces.getFirst().buffer();
  }

  /** The piece that has all of {@code length} bytes from {@code begin} on; nothing if none has. */
  Optional<Piece> piece(long begin, long length) {
    return pieces.stream().filter(piece -> piece.has(begin, length)).findFirst();
  }

  @Override
  public long bytes() {
    return bytes;
  }

  @Override
  public void close() {
    pieces.forEach(piece -> CL.clReleaseMemObject(piece.buffer()));
    released.run();
  }
}
