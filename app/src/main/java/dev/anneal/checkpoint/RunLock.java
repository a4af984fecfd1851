package dev.anneal.checkpoint;

import dev.anneal.failure.Failure;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The right to write to a run's directory, which one process has at a time. The operating system
 * takes it back when the process ends, however it ends: a lock file that was left over holds nobody
 * up. The file says who holds it.
 */
public final class RunLock implements AutoCloseable {
  private static final String NAME = "run.lock";
  private static final int SHOWN_BYTES = 512;

  /**
   * What this process has locked. A second lock must be refused before the file is opened: closing
   * any channel of a file gives up all of a process's locks on it.
   */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path file;
  private final FileChannel channel;

  private RunLock(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * Takes the lock of a directory, which is created if need be.
   *
   * @throws Failure when another run has it; the message names its process, host and start
   */
  public static RunLock acquire(Path directory) {
    Path file = directory.resolve(NAME);
    try {
      Files.createDirectories(directory);
      file = directory.toRealPath().resolve(NAME);
      if (!HELD.add(file)) {
        throw inUse(directory, "this " + self());
      }
      boolean locked = false;
      try {
        RunLock lock = lock(directory, file);
        locked = true;
        return lock;
      } finally {
        if (!locked) {
          HELD.remove(file);
        }
      }
    } catch (IOException e) {
      throw FileFailures.cannotWrite(file, e);
    }
  }

  private static RunLock lock(Path directory, Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    boolean written = false;
    try {
      // Held until the channel is closed.
      if (channel.tryLock() == null) {
        throw inUse(directory, holder(channel));
      }
      write(channel, self());
      written = true;
      return new RunLock(file, channel);
    } finally {
      if (!written) {
        channel.close();
      }
    }
  }

  private static Failure inUse(Path directory, String holder) {
    return Failure.failed(
        directory + " is in use by " + holder + "; stop that run or choose another --out");
  }

  private static String holder(FileChannel channel) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(SHOWN_BYTES);
    channel.read(bytes, 0);
    String text = StandardCharsets.UTF_8.decode(bytes.flip()).toString().strip();
    return text.isEmpty() ? "another process" : FileFailures.shown(text, SHOWN_BYTES);
  }

  private static String self() {
    Instant start = ProcessHandle.current().info().startInstant().orElseGet(Instant::now);
    return "process %d on %s, started %s"
        .formatted(ProcessHandle.current().pid(), host(), start.truncatedTo(ChronoUnit.SECONDS));
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "an unnamed host";
    }
  }

  private static void write(FileChannel channel, String text) throws IOException {
    channel.truncate(0);
    ByteBuffer bytes = ByteBuffer.wrap((text + "\n").getBytes(StandardCharsets.UTF_8));
    WholeBuffer.write(channel, bytes);
    channel.force(true);
  }

  /** Gives the lock back. The file stays: deleting it could delete another's. */
  @Override
  public void close() {
    try {
      channel.truncate(0);
      channel.close();
    } catch (IOException e) {
      throw FileFailures.cannotWrite(file, e);
    } finally {
      HELD.remove(file);
    }
  }
}
