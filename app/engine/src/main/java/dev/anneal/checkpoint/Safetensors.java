package dev.anneal.checkpoint;

import dev.anneal.failure.Failure;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * A safetensors file: a little-endian 64-bit header length, a JSON header, and the tensors' bytes.
 * Opening reads and checks the header alone; data is read on demand, into memory of the caller's.
 */
public final class Safetensors implements AutoCloseable {
  private static final int CHUNK = 1 << 22;
  private static final int LENGTH_BYTES = 8;

  private final InputFile file;
  private final SafetensorsHeader header;
  private final long data;

  private Safetensors(InputFile file, SafetensorsHeader header, long data) {
    this.file = file;
    this.header = header;
    this.data = data;
  }

  /**
   * Opens a file for reading.
   *
   * @throws Failure when it cannot be read or is not valid; the message says where
   */
  public static Safetensors open(Path file) {
    return InputFile.open(file, Safetensors::checked);
  }

  private static Safetensors checked(InputFile file) {
    byte[] json = headerBytes(file);
    SafetensorsHeader header = SafetensorsHeader.parse(file.toString(), json);
    long data = LENGTH_BYTES + json.length;
    if (header.dataBytes() != file.size() - data) {
      throw bad(
          file,
          "its tensors take "
              + header.dataBytes()
              + " bytes, but "
              + (file.size() - data)
              + " follow the header; it was cut, or something was appended");
    }
    return new Safetensors(file, header, data);
  }

  private static byte[] headerBytes(InputFile file) {
    if (file.size() < LENGTH_BYTES) {
      throw bad(file, "it has " + file.size() + " bytes, fewer than its header's length takes");
    }
    ByteBuffer length = ByteBuffer.allocate(LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    file.read(0, length);
    long bytes = length.getLong(0);
    if (bytes < 2 || bytes > SafetensorsHeader.MAXIMUM_BYTES) {
      throw bad(
          file,
          "its header's length is "
              + Long.toUnsignedString(bytes)
              + "; expected 2 to "
              + SafetensorsHeader.MAXIMUM_BYTES);
    }
    if (bytes > file.size() - LENGTH_BYTES) {
      throw bad(
          file, "its header of " + bytes + " bytes goes beyond its end at byte " + file.size());
    }
    ByteBuffer json = ByteBuffer.allocate((int) bytes);
    file.read(LENGTH_BYTES, json);
    return json.array();
  }

  /** By name, in the order of their data. */
  public SequencedMap<String, SafetensorsEntry> tensors() {
    return header.tensors();
  }

  public Map<String, String> metadata() {
    return header.metadata();
  }

  /**
   * The tensor of this name, if it has the given type and shape.
   *
   * @throws Failure when there is none, or another
   */
  public SafetensorsEntry require(String name, SafetensorsType type, List<Long> shape) {
    SafetensorsEntry entry =
        Optional.ofNullable(header.tensors().get(name))
            .orElseThrow(() -> Failure.failed(file + " has no tensor " + name));
    if (entry.type() != type || !entry.shape().equals(shape)) {
      throw Failure.failed(
          "tensor %s of %s is %s of shape %s; expected %s of shape %s"
              .formatted(name, file, entry.type(), entry.shape(), type, shape));
    }
    return entry;
  }

  /**
   * Fills {@code into} with the bytes of {@code entry} from byte {@code from} on, little-endian as
   * they are in the file.
   *
   * @throws Failure when the file cannot be read, or was cut since it was opened
   */
  public void read(SafetensorsEntry entry, long from, MemorySegment into) {
    if (from < 0 || into.byteSize() > entry.bytes() - from) {
      throw new IndexOutOfBoundsException(
          into.byteSize() + " bytes at " + from + " of " + entry.name());
    }
    file.read(data + entry.begin() + from, into);
  }

  @Override
  public void close() {
    file.close();
  }

  private static Failure bad(InputFile file, String what) {
    return Failure.failed(file + " is no valid safetensors file: " + what);
  }

  /** Gives the bytes of a tensor, a chunk at a time. */
  @FunctionalInterface
  public interface Source {
    /** Fills {@code chunk}, little-endian, with the bytes from byte {@code from} on. */
    void read(long from, MemorySegment chunk);
  }

  /** A tensor to write. */
  public record Content(String name, SafetensorsType type, List<Long> shape, Source source) {
    public Content {
      shape = List.copyOf(shape);
    }
  }

  /** A file of these tensors, in this order; larger element types should come first. */
  public static FileWriter writer(Map<String, String> metadata, List<Content> tensors) {
    SequencedMap<String, SafetensorsEntry> entries = new LinkedHashMap<>();
    long at = 0;
    for (Content tensor : tensors) {
      long end = Math.addExact(at, SafetensorsEntry.bytes(tensor.type(), tensor.shape()));
      SafetensorsEntry entry =
          new SafetensorsEntry(tensor.name(), tensor.type(), tensor.shape(), at, end);
      if (entries.put(tensor.name(), entry) != null) {
        throw new IllegalArgumentException("two tensors are named " + tensor.name());
      }
      at = end;
    }
    byte[] json = new SafetensorsHeader(entries, metadata).bytes();
    if (json.length > SafetensorsHeader.MAXIMUM_BYTES) {
      throw new IllegalArgumentException("a header of " + json.length + " bytes is too long");
    }
    long bytes = LENGTH_BYTES + json.length + at;
    return new FileWriter() {
      @Override
      public long bytes() {
        return bytes;
      }

      @Override
      public void writeTo(WritableByteChannel out) throws IOException {
        ByteBuffer start =
            ByteBuffer.allocate(LENGTH_BYTES + json.length).order(ByteOrder.LITTLE_ENDIAN);
        WholeBuffer.write(out, start.putLong(json.length).put(json).flip());
        try (Arena arena = Arena.ofShared()) {
          MemorySegment chunk = arena.allocate(CHUNK);
          for (Content tensor : tensors) {
            write(
                out, tensor.source(), SafetensorsEntry.bytes(tensor.type(), tensor.shape()), chunk);
          }
        }
      }
    };
  }

  private static void write(WritableByteChannel out, Source source, long bytes, MemorySegment chunk)
      throws IOException {
    for (long from = 0; from < bytes; from += CHUNK) {
      MemorySegment part = chunk.asSlice(0, Math.min(CHUNK, bytes - from));
      source.read(from, part);
      WholeBuffer.write(out, part.asByteBuffer());
    }
  }
}
