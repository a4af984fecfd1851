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
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The checkpoints of a run, {@code step_N} each. One becomes visible only when it is whole and on
 * the disk: files are written to {@code step_N.tmp-PID-NONCE} and fsynced, the manifest last, then
 * the directory is renamed and its parent fsynced. Whatever kills the program, and whenever, the
 * checkpoints before stay as they were. One process writes at a time, as {@link RunLock} ensures.
 */
public final class CheckpointDirectory {
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
  private final Set<Integer> wholeSteps = new HashSet<>();

  public CheckpointDirectory(Path directory) {
    this(directory, path -> Files.getFileStore(path).getUsableSpace());
  }

  CheckpointDirectory(Path directory, FreeSpace freeSpace) {
    this.directory = directory;
    this.freeSpace = freeSpace;
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
      wholeSteps.add(step);
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
      throw Failure.failed(target + " exists, and a checkpoint is never replaced");
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
   * The checkpoint of a step, if there is one.
   *
   * @throws Failure when there is one that is not as it was saved
   */
  public Optional<Checkpoint> at(int step) {
    Path path = directory.resolve("step_" + step);
    return Files.exists(path) ? Optional.of(CheckpointSearch.verified(path)) : Optional.empty();
  }

  /** All checkpoints that look whole, by step; their files' checksums are not compared. */
  public List<Checkpoint> list() {
    List<Checkpoint> whole = new ArrayList<>();
    for (Path path : CheckpointSearch.steps(directory)) {
      try {
        whole.add(Checkpoint.open(path));
      } catch (Failure e) {
        // Not whole.
      }
    }
    return List.copyOf(whole);
  }

  /** The one of {@link #list} with the highest step, whatever the clock says. */
  public Optional<Checkpoint> latest() {
    return list().reversed().stream().findFirst();
  }

  /**
   * Moves what is not whole out of the way of a checkpoint of its step: {@code step_N.damaged}.
   *
   * @return where it is now
   * @throws Failure when it cannot be moved
   */
  public Path setAside(Path damaged) {
    Path aside = damaged.resolveSibling(damaged.getFileName() + ".damaged");
    for (int i = 2; Files.exists(aside); i++) {
      aside = damaged.resolveSibling(damaged.getFileName() + ".damaged-" + i);
    }
    try {
      Files.move(damaged, aside, StandardCopyOption.ATOMIC_MOVE);
      DurableFile.syncDirectory(directory);
      return aside;
    } catch (IOException e) {
      throw FileFailures.cannotWrite(damaged, e);
    }
  }

  /**
   * Deletes all whole checkpoints but the {@code n} newest; damaged ones neither count nor go.
   *
   * @param last the step that was saved last, which stays in any case
   * @return a line for each that could not be deleted
   */
  public List<String> keepNewest(int n, int last) {
    if (n < 1) {
      throw new IllegalArgumentException("at least one checkpoint is kept, not " + n);
    }
    List<String> problems = new ArrayList<>();
    int kept = 0;
    for (Checkpoint checkpoint : list().reversed()) {
      if (checkpoint.step() == last) {
        kept++;
      } else if (kept < n) {
        kept += isWhole(checkpoint) ? 1 : 0;
      } else {
        delete(checkpoint).ifPresent(problems::add);
      }
    }
    return problems;
  }

  /** What was written or compared once by this process is not read again at every save. */
  private boolean isWhole(Checkpoint checkpoint) {
    if (wholeSteps.contains(checkpoint.step())) {
      return true;
    }
    try {
      checkpoint.verify();
      wholeSteps.add(checkpoint.step());
      return true;
    } catch (Failure e) {
      return false;
    }
  }

  private Optional<String> delete(Checkpoint old) {
    // Renamed first: a death in between leaves no checkpoint that only looks whole.
    Path beside = beside(old.directory());
    try {
      Files.move(old.directory(), beside, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      return Optional.of("cannot delete the old checkpoint " + old + ": " + FileFailures.reason(e));
    }
    discard(beside);
    return Optional.empty();
  }

  /** Deletes what processes that are gone left half written or half deleted. */
  public void removeLeftovers() {
    for (Path path : CheckpointSearch.children(directory)) {
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
