package dev.anneal.checkpoint;

import dev.anneal.failure.Failure;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Function;

/**
 * A file to read from at any place. It is not mapped: a mapped file that another process cuts takes
 * the whole program down.
 */
public final class InputFile implements AutoCloseable {
  private static final int CHUNK = 1 << 22;

  private final Path path;
  private final FileChannel channel;
  private final long size;

  private InputFile(Path path, FileChannel channel, long size) {
    this.path = path;
    this.channel = channel;
    this.size = size;
  }

  /**
   * Opens a file.
   *
   * @throws Failure when it cannot be read or is no regular file
   */
  public static InputFile open(Path path) {
    long size = FileFailures.sizeOfRegularFile(path);
    try {
      return new InputFile(path, FileChannel.open(path, StandardOpenOption.READ), size);
    } catch (IOException e) {
      throw FileFailures.cannotRead(path, e);
    }
  }

  /** Opens a file for a {@code reader} that keeps it, and closes it if the reader refuses it. */
  public static <T> T open(Path path, Function<InputFile, T> reader) {
    InputFile file = open(path);
    boolean accepted = false;
    try {
      T result = reader.apply(file);
      accepted = true;
      return result;
    } finally {
      if (!accepted) {
        file.close();
      }
    }
  }

  /** The first bytes of a file, at most {@code n}. */
  static ByteBuffer start(Path path, int n) {
    try (InputFile file = open(path)) {
      ByteBuffer bytes = ByteBuffer.allocate((int) Math.min(n, file.size()));
      file.read(0, bytes);
      return bytes.flip();
    }
  }

  /**
   * All bytes of a file, or of a pipe that is open already, as the shell's {@code <(…)} is.
   *
   * @param most what it may have
   * @throws Failure when it cannot be read, has more, or reading it might never end
   */
  public static byte[] whole(Path path, int most) {
    requireFileOrOpenPipe(path);
    byte[] bytes;
    try (InputStream in = Files.newInputStream(path)) {
      bytes = in.readNBytes(most + 1);
    } catch (IOException e) {
      throw FileFailures.cannotRead(path, e);
    }
    if (bytes.length > most) {
      throw Failure.failed(
          FileFailures.shown(path) + " has more than the " + most + " bytes that it may have");
    }
    return bytes;
  }

  /**
   * Opening a pipe by a name of its own waits for a writer, and a device may have no end.
   *
   * @throws Failure when {@code path} is one of those, or a directory
   */
  public static void requireFileOrOpenPipe(Path path) {
    PathKind kind = PathKind.of(path);
    String problem =
        switch (kind) {
          case FILE, NOTHING -> "";
          case PIPE ->
              PathKind.isOfProcess(path)
                  ? ""
                  : "; copy it to a file, or give '<(cat " + path + ")'";
          case FOLDER, CHARACTERS, BLOCKS, SOCKET -> "; expected a file";
        };
    if (!problem.isEmpty()) {
      throw Failure.failed(FileFailures.shown(path) + " " + kind.words() + problem);
    }
  }

  public Path path() {
    return path;
  }

  /** Bytes when it was opened. */
  public long size() {
    return size;
  }

  /**
   * Fills what remains of {@code into} from byte {@code position} on.
   *
   * @throws Failure when that fails, or the file was cut since it was opened
   */
  public void read(long position, ByteBuffer into) {
    long at = position;
    try {
      while (into.hasRemaining()) {
        int n = channel.read(into, at);
        if (n < 0) {
          throw new EOFException("it ends at byte " + at + "; it was cut while being read");
        }
        at += n;
      }
    } catch (IOException e) {
      throw FileFailures.cannotRead(path, e);
    }
  }

  /** Fills native memory, or that of a byte array, of any size. */
  public void read(long position, MemorySegment into) {
    for (long done = 0; done < into.byteSize(); done += CHUNK) {
      long n = Math.min(CHUNK, into.byteSize() - done);
      read(position + done, into.asSlice(done, n).asByteBuffer());
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw FileFailures.cannotRead(path, e);
    }
  }

  @Override
  public String toString() {
    return path.toString();
  }
}
