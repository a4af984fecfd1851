package dev.anneal.checkpoint;

import static java.util.Objects.requireNonNull;

import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** A file that is either whole and on the disk, or not there. */
public final class DurableFile {

  private DurableFile() {}

  /**
   * Writes {@code target} beside itself, fsyncs and renames, replacing what was there only then.
   *
   * @throws Failure when it cannot be written; {@code target} is as it was
   */
  public static void write(Path target, FileWriter content) {
    Path absolute = target.toAbsolutePath();
    Path directory = absolute.getParent();
    Path beside =
        absolute.resolveSibling(
            target.getFileName()
                + ".tmp-"
                + ProcessHandle.current().pid()
                + "-"
                + System.nanoTime());
    try {
      if (Files.isDirectory(target)) {
        throw Failure.failed(target + " is a directory; give the name of a file to write");
      }
      Files.createDirectories(directory);
      try (FileChannel channel =
          FileChannel.open(beside, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        content.writeTo(channel);
        channel.force(true);
      }
      Files.move(beside, absolute, StandardCopyOption.ATOMIC_MOVE);
      syncDirectory(requireNonNull(directory));
    } catch (IOException e) {
      throw FileFailures.cannotWrite(target, e);
    } finally {
      deleteQuietly(beside);
    }
  }

  /** Makes renames and new names within {@code directory} survive a loss of power. */
  static void syncDirectory(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static void deleteQuietly(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      // A leftover harms nothing, and must not hide the failure that left it.
    }
  }
}
