package dev.anneal.gpu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * What a shared library's header promises. The system's loader believes it: it maps a file that was
 * cut in a copy or a download beyond its end, and takes the process down with it.
 */
public final class ElfFile {
  private static final int HEADER = 64;
  private static final int SEGMENT = 56;
  private static final int MAGIC = 0x464C457F;
  private static final byte BITS_64 = 2;
  private static final byte LITTLE_ENDIAN = 1;
  private static final int LOADED = 1;

  private ElfFile() {}

  /** How much of a library's file is missing, in words; empty when nothing is, or it is none. */
  public static Optional<String> cut(Path file) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      ByteBuffer header = read(channel, 0, HEADER);
      if (header.limit() < HEADER
          || header.getInt(0) != MAGIC
          || header.get(4) != BITS_64
          || header.get(5) != LITTLE_ENDIAN) {
        return Optional.empty(); // The loader looks at these, and refuses them.
      }
      long end = 0;
      long segments = header.getLong(32);
      int count = header.getShort(56) & 0xFFFF;
      for (int i = 0; i < count; i++) {
        ByteBuffer segment = read(channel, segments + (long) SEGMENT * i, SEGMENT);
        if (segment.limit() < SEGMENT) {
          end = Math.max(end, segments + (long) SEGMENT * count);
          break;
        }
        if (segment.getInt(0) == LOADED) {
          end = Math.max(end, segment.getLong(8) + segment.getLong(32));
        }
      }
      return end > size
          ? Optional.of(
              "the file is cut: it has " + size + " bytes of " + end + "; install it anew")
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty(); // The loader says why.
    }
  }

  private static ByteBuffer read(FileChannel channel, long at, int bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining() && channel.read(buffer, at + buffer.position()) >= 0) {
      continue;
    }
    return buffer.flip();
  }

  /** The same for what the loader would take for {@code library}, a path or the name of one. */
  static Optional<String> cut(String library) {
    return LoaderPath.file(library).flatMap(file -> cut(file).map(why -> file + ": " + why));
  }
}
