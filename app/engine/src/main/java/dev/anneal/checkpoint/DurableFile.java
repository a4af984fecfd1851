package dev.anneal.checkpoint;

import static java.util.Objects.requireNonNull;

import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A file that is either whole and on the disk, or not there. */
public final class DurableFile {
  /** What is being written now; a process that is ended meanwhile leaves none of it. */
  private static final Set<Path> UNFINISHED = ConcurrentHashMap.newKeySet();

  static {
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> UNFINISHED.forEach(DurableFile::deleteQuietly)));
  }

  private DurableFile() {}

  /**
   * Writes {@code target} beside itself, fsyncs and renames, replacing what was there only then. A
   * file that is replaced hands on its permissions and, where that is allowed, its owner; another
   * hard link keeps the old content.
   *
   * @throws Failure when it cannot be written; {@code target} is as it was
   */
  public static void write(Path target, FileWriter content) {
    Path absolute = target.toAbsolutePath();
    Path directory = absolute.getParent();
    // Without the name itself, which may be as long as a name can be.
    Path beside =
        absolute.resolveSibling(
            ".anneal.tmp-" + ProcessHandle.current().pid() + "-" + System.nanoTime());
    try {
      if (Files.isDirectory(target)) {
        throw Failure.failed(target + " is a directory; give the name of a file to write");
      }
      Files.createDirectories(directory);
      UNFINISHED.add(beside);
      try (FileChannel channel =
          FileChannel.open(beside, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        content.writeTo(channel);
        channel.force(true);
      }
      if (Files.exists(absolute)) {
        takeOver(absolute, beside);
      }
      Files.move(beside, absolute, StandardCopyOption.ATOMIC_MOVE);
      syncDirectory(requireNonNull(directory));
    } catch (IOException e) {
      throw FileFailures.cannotWrite(target, e);
    } finally {
      deleteQuietly(beside);
      UNFINISHED.remove(beside);
    }
  }

  private static void takeOver(Path old, Path made) throws IOException {
    PosixFileAttributeView from = Files.getFileAttributeView(old, PosixFileAttributeView.class);
    PosixFileAttributeView to = Files.getFileAttributeView(made, PosixFileAttributeView.class);
    if (from == null || to == null) {
      return; // Not on this file system.
    }
    PosixFileAttributes attributes = from.readAttributes();
    to.setPermissions(attributes.permissions());
    try {
      to.setGroup(attributes.group());
      to.setOwner(attributes.owner());
    } catch (IOException e) {
      // Only root gives files away; it stays ours.
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
