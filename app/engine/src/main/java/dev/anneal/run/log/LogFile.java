package dev.anneal.run.log;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file of lines that grows. A line is in it whole or not at all, as far as that is in our hands;
 * what was torn by a death or a full disk stays a line of its own.
 */
final class LogFile implements AutoCloseable {
  private final Path path;
  private final FileChannel channel;

  /** For the end of the file: this process alone writes to it. */
  private final WritableByteChannel out;

  private long size;
  private boolean isTorn;

  private LogFile(Path path, FileChannel channel, WritableByteChannel out) throws IOException {
    this.path = path;
    this.channel = channel;
    this.out = out;
    this.size = channel.size();
    this.isTorn = size > 0 && last(channel) != '\n';
  }

  private static byte last(FileChannel channel) throws IOException {
    ByteBuffer last = ByteBuffer.allocate(1);
    channel.read(last, channel.size() - 1);
    return last.get(0);
  }

  /**
   * Opens a file to write on at its end; makes it if need be.
   *
   * @throws Failure when it cannot be written
   */
  static LogFile append(Path path) {
    try {
      FileChannel channel =
          FileChannel.open(
              path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      try {
        channel.position(channel.size());
        return new LogFile(path, channel, channel);
      } catch (IOException e) {
        channel.close();
        throw e;
      }
    } catch (IOException e) {
      throw FileFailures.cannotWrite(path, e);
    }
  }

  /** The same to another place, which can fail as a disk does. */
  static LogFile to(Path path, FileChannel channel, WritableByteChannel out) throws IOException {
    return new LogFile(path, channel, out);
  }

  /**
   * Adds a line.
   *
   * @throws Failure when it cannot be written; the next one may be
   */
  void write(String line) {
    ByteBuffer bytes = ByteBuffer.wrap(((isTorn ? "\n" : "") + line + "\n").getBytes(UTF_8));
    try {
      while (bytes.hasRemaining()) {
        out.write(bytes);
      }
      size += bytes.limit();
      isTorn = false;
    } catch (IOException e) {
      takeBack();
      throw FileFailures.cannotWrite(path, e);
    }
  }

  /** Removes the part of a line that was written. */
  private void takeBack() {
    try {
      channel.truncate(size);
      channel.position(size);
    } catch (IOException e) {
      isTorn = true;
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // All that was written was written before.
    }
  }
}
