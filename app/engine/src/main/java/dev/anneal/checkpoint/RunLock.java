package dev.anneal.checkpoint;

import static dev.anneal.failure.Spelling.setting;

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
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The right to write to a run's directory, which one process has at a time. The operating system
 * takes it back when the process ends, however it ends: a lock file that was left over holds nobody
 * up. The file says who holds it.
 */
public final class RunLock implements AutoCloseable {
  public static final String NAME = "run.lock";
  private static final int SHOWN_BYTES = 512;
  private static final Pattern HOLDER =
      Pattern.compile(
          "process (\\d{1,9}) on (\\S+(?: \\S+)*), started"
              + " (\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ)");

  /** The system tells when a process started by a clock that may have been set meanwhile. */
  private static final Duration CLOCKS_AGREE = Duration.ofSeconds(5);

  /**
   * What this process has locked; its monitor is held while a lock file is open that is not ours. A
   * second lock must be refused before the file is opened: closing any channel of a file gives up
   * all of a process's locks on it.
   */
  private static final Set<Path> HELD = new HashSet<>();

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
      synchronized (HELD) {
        if (HELD.contains(file)) {
          throw inUse(directory, "this " + self());
        }
        RunLock lock = lock(directory, file);
        HELD.add(file);
        return lock;
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

  /** Whether a run was ever begun in a directory. */
  public static boolean isIn(Path directory) {
    return Files.exists(directory.resolve(NAME));
  }

  /**
   * Who trains the run in a directory now, and since when; empty when nobody does. Nothing is
   * locked for that: whoever looks must not be in the way of one who begins.
   */
  public static Optional<String> holder(Path directory) {
    try {
      Path file = directory.toRealPath().resolve(NAME);
      synchronized (HELD) {
        if (HELD.contains(file)) {
          return Optional.of("this " + self());
        }
        String text = Files.isRegularFile(file) ? shown(InputFile.start(file, SHOWN_BYTES)) : "";
        return Optional.of(text).filter(holder -> isAlive(file, holder));
      }
    } catch (IOException | Failure e) {
      return Optional.empty();
    }
  }

  /**
   * Checks that nobody trains the run in a directory.
   *
   * @throws Failure when someone does; the message names the process, host and start
   */
  public static void requireFree(Path directory) {
    holder(directory)
        .ifPresent(
            holder -> {
              throw inUse(directory, holder);
            });
  }

  /** A process that was killed leaves its name; its number may be another's by now. */
  private static boolean isAlive(Path file, String text) {
    Matcher matcher = HOLDER.matcher(text);
    if (!matcher.matches()) {
      return false;
    }
    if (!matcher.group(2).equals(host())) {
      return isLocked(file);
    }
    return ProcessHandle.of(Long.parseLong(matcher.group(1)))
        .flatMap(process -> process.info().startInstant())
        .map(actual -> isAbout(actual, matcher.group(3)))
        .orElse(false);
  }

  private static boolean isAbout(Instant actual, String noted) {
    try {
      return Duration.between(Instant.parse(noted), actual).abs().compareTo(CLOCKS_AGREE) < 0;
    } catch (DateTimeException e) {
      return false;
    }
  }

  /** Where the holder's processes cannot be seen. */
  private static boolean isLocked(Path file) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return channel.tryLock(0, Long.MAX_VALUE, true) == null;
    } catch (IOException e) {
      return false;
    }
  }

  private static Failure inUse(Path directory, String holder) {
    return Failure.failed(
        directory
            + " is in use by "
            + holder
            + "; stop that run or choose another "
            + setting("out"));
  }

  private static String holder(FileChannel channel) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(SHOWN_BYTES);
    channel.read(bytes, 0);
    String text = shown(bytes.flip());
    return text.isEmpty() ? "another process" : text;
  }

  private static String shown(ByteBuffer bytes) {
    String text = StandardCharsets.UTF_8.decode(bytes).toString().strip();
    return FileFailures.shown(text, SHOWN_BYTES);
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
    try (channel) {
      channel.truncate(0);
    } catch (IOException e) {
      throw FileFailures.cannotWrite(file, e);
    } finally {
      synchronized (HELD) {
        HELD.remove(file);
      }
    }
  }
}
