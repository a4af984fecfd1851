package dev.anneal.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The checkpoints of a run, {@code step_N} each. One becomes visible only when it is whole and on
 * the disk: files are written to {@code step_N.tmp-PID-NONCE} and fsynced, the manifest last, then
 * the directory is renamed and its parent fsynced. Whatever kills the program, and whenever, the
 * checkpoints before stay as they were. One process writes at a time, as {@link RunLock} ensures.
 */
public final class CheckpointDirectory {
  private static final Pattern STEP = Pattern.compile("step_(\\d{1,9})");
  private static final Pattern LEFTOVER = Pattern.compile("step_\\d{1,9}\\.tmp-(\\d{1,18})-\\d+");

  /** Room for the manifest and for what the file system itself needs. */
  private static final long MARGIN_BYTES = 1 << 20;

  /** Tells how many bytes can still be written. */
  @FunctionalInterface
  interface FreeSpace {
    long bytes(Path directory) throws IOException;
  }

  private final Path directory;
  private final FreeSpace freeSpace;

  public CheckpointDirectory(Path directory) {
    this(directory, path -> Files.getFileStore(path).getUsableSpace());
  }

  CheckpointDirectory(Path directory, FreeSpace freeSpace) {
    this.directory = directory;
    this.freeSpace = freeSpace;
  }

  /**
   * The checkpoint that a user means: {@code path} itself, or the newest one in it.
   *
   * @throws Failure when there is none
   */
  public static Checkpoint find(Path path) {
    if (Files.exists(path.resolve(Manifest.NAME))) {
      return Checkpoint.open(path);
    }
    if (!Files.isDirectory(path)) {
      throw Failure.failed(
          Files.exists(path)
              ? path + " is no directory; give a run's directory or one of its checkpoints"
              : path + " does not exist; give a run's directory or one of its checkpoints");
    }
    CheckpointDirectory checkpoints = new CheckpointDirectory(path);
    return checkpoints
        .latest()
        .orElseThrow(
            () ->
                checkpoints.problems().stream()
                    .findFirst()
                    .orElse(Failure.failed(path + " has no checkpoint; train with --out " + path)));
  }

  /**
   * Saves a checkpoint.
   *
   * @param files what to write, by name
   * @param meta what {@link Checkpoint#meta} gives back
   * @throws Failure when it cannot be saved, or there is one of this step already; the earlier
   *     checkpoints are as they were
   */
  public Checkpoint publish(int step, Map<String, FileWriter> files, ObjectNode meta) {
    Path target = directory.resolve("step_" + step);
    for (String name : files.keySet()) {
      if (!Manifest.isFileName(name)) {
        throw new IllegalArgumentException("'" + name + "' is no name for a checkpoint's file");
      }
    }
    boolean published = false;
    Path beside = beside(target);
    try {
      Files.createDirectories(directory);
      requireAbsent(target);
      requireSpace(target, files);
      Files.createDirectory(beside);
      writeAll(beside, step, files, meta);
      DurableFile.syncDirectory(beside);
      Files.move(beside, target, StandardCopyOption.ATOMIC_MOVE);
      published = true;
      DurableFile.syncDirectory(directory);
    } catch (IOException e) {
      throw new Failure(ExitCode.FAILED, notSaved(target, FileFailures.reason(e)), e);
    } finally {
      if (!published) {
        discard(beside);
      }
    }
    return Checkpoint.open(target);
  }

  private static Path beside(Path path) {
    return path.resolveSibling(
        path.getFileName() + ".tmp-" + ProcessHandle.current().pid() + "-" + System.nanoTime());
  }

  private static void requireAbsent(Path target) {
    if (Files.exists(target)) {
      throw Failure.failed(
          target + " exists, and a checkpoint is never replaced; remove it or save elsewhere");
    }
  }

  private void requireSpace(Path target, Map<String, FileWriter> files) throws IOException {
    long needed = files.values().stream().mapToLong(FileWriter::bytes).sum() + MARGIN_BYTES;
    long free = freeSpace.bytes(directory);
    if (free < needed) {
      String why = "it takes " + needed + " bytes and the disk has " + free + " left";
      throw Failure.failed(notSaved(target, why));
    }
  }

  private static String notSaved(Path target, String why) {
    return "cannot save " + target + ": " + why + "; the earlier checkpoints are as they were";
  }

  private static void writeAll(
      Path beside, int step, Map<String, FileWriter> files, ObjectNode meta) throws IOException {
    SequencedMap<String, Manifest.Content> contents = new LinkedHashMap<>();
    for (Map.Entry<String, FileWriter> file : files.entrySet()) {
      contents.put(file.getKey(), write(beside.resolve(file.getKey()), file.getValue()));
    }
    byte[] manifest = new Manifest(step, contents, meta).bytes();
    try (ChecksummedChannel out = new ChecksummedChannel(beside.resolve(Manifest.NAME))) {
      WholeBuffer.write(out, ByteBuffer.wrap(manifest));
      out.sync();
    }
  }

  private static Manifest.Content write(Path path, FileWriter writer) throws IOException {
    try (ChecksummedChannel out = new ChecksummedChannel(path)) {
      writer.writeTo(out);
      out.sync();
      if (out.content().bytes() != writer.bytes()) {
        throw new IllegalStateException(
            path + " was to take " + writer.bytes() + " bytes, and took " + out.content().bytes());
      }
      return out.content();
    }
  }

  /**
   * The whole checkpoint with the highest step, whatever the clock says; broken ones are skipped.
   */
  public Optional<Checkpoint> latest() {
    return list().reversed().stream().findFirst();
  }

  /**
   * The checkpoint of a step, if there is one.
   *
   * @throws Failure when there is one that is broken
   */
  public Optional<Checkpoint> at(int step) {
    return steps().filter(path -> step(path) == step).findFirst().map(Checkpoint::open);
  }

  /** All whole checkpoints, by step. */
  public List<Checkpoint> list() {
    List<Checkpoint> whole = new ArrayList<>();
    steps().forEach(path -> opened(path).ifPresent(whole::add));
    return List.copyOf(whole);
  }

  /** Why each of the checkpoints that {@link #list} leaves out is broken. */
  public List<Failure> problems() {
    List<Failure> problems = new ArrayList<>();
    steps()
        .forEach(
            path -> {
              try {
                Checkpoint.open(path);
              } catch (Failure e) {
                problems.add(e);
              }
            });
    return List.copyOf(problems);
  }

  private static Optional<Checkpoint> opened(Path path) {
    try {
      return Optional.of(Checkpoint.open(path));
    } catch (Failure e) {
      return Optional.empty();
    }
  }

  private Stream<Path> steps() {
    return children().stream()
        .filter(path -> STEP.matcher(path.getFileName().toString()).matches())
        .sorted(Comparator.comparingInt(CheckpointDirectory::step));
  }

  private static int step(Path path) {
    Matcher matcher = STEP.matcher(path.getFileName().toString());
    return matcher.matches() ? Integer.parseInt(matcher.group(1)) : -1;
  }

  private List<Path> children() {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> paths = Files.list(directory)) {
      return paths.toList();
    } catch (IOException e) {
      throw FileFailures.cannotRead(directory, e);
    }
  }

  /** Deletes all whole checkpoints but the {@code n} newest; broken ones do not count. */
  public void keepNewest(int n) {
    if (n < 1) {
      throw new IllegalArgumentException("at least one checkpoint is kept, not " + n);
    }
    List<Checkpoint> whole = list();
    for (Checkpoint old : whole.subList(0, Math.max(0, whole.size() - n))) {
      // Renamed first: a death in between leaves no checkpoint that only looks whole.
      Path beside = beside(old.directory());
      try {
        Files.move(old.directory(), beside, StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException e) {
        throw FileFailures.cannotWrite(old.directory(), e);
      }
      discard(beside);
    }
  }

  /** Deletes what processes that are gone left half written or half deleted. */
  public void removeLeftovers() {
    for (Path path : children()) {
      Matcher matcher = LEFTOVER.matcher(path.getFileName().toString());
      if (matcher.matches() && !isWriting(Long.parseLong(matcher.group(1)))) {
        discard(path);
      }
    }
  }

  private static boolean isWriting(long pid) {
    return pid != ProcessHandle.current().pid()
        && ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
  }

  /** What cannot be deleted now is a leftover, which the next run deletes. */
  private static void discard(Path tree) {
    try {
      if (Files.exists(tree)) {
        Files.walkFileTree(tree, new Deleter());
      }
    } catch (IOException e) {
      // Left for removeLeftovers: saving must not fail for what could not be deleted.
    }
  }

  /** Deletes files and then the directories that they were in; follows no links. */
  private static final class Deleter extends SimpleFileVisitor<Path> {
    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
      Files.delete(file);
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult postVisitDirectory(Path visited, IOException e) throws IOException {
      if (e != null) {
        throw e;
      }
      Files.delete(visited);
      return FileVisitResult.CONTINUE;
    }
  }
}
