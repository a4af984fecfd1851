package dev.anneal.run.store;

import dev.anneal.checkpoint.CheckpointDirectory;
import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.PathName;
import dev.anneal.failure.Failure;
import dev.anneal.run.log.RunLog;
import dev.anneal.setting.Nearest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The runs that are on disk. */
public final class RunCatalog {
  /** By what was written last; a branch and its parent may be within one tick of a file's clock. */
  private static final Comparator<Path> BY_TIME =
      Comparator.comparing((Path run) -> RunOnDisk.modified(run)).thenComparing(RunOnDisk::created);

  /** Where runs go that were not given a directory. */
  public static final Path HOME = Path.of("runs");

  /** Names in an error's one line. */
  private static final int MOST = 10;

  private RunCatalog() {}

  /**
   * A run on disk.
   *
   * @param step of the newest whole checkpoint, -1 without one
   */
  public record Entry(String name, Path path, int step) {}

  /** The runs in {@code home}, by name; numbers in names count as numbers. */
  public static List<Entry> list(Path home) {
    if (!Files.isDirectory(home)) {
      return List.of();
    }
    try (Stream<Path> children = Files.list(home)) {
      return children
          .filter(path -> Files.exists(path.resolve(RunLog.EVENTS)))
          .sorted(
              Comparator.comparingInt((Path path) -> name(path).length())
                  .thenComparing(RunCatalog::name))
          .map(
              path ->
                  new Entry(
                      name(path),
                      path,
                      new CheckpointDirectory(path).latest().map(c -> c.step()).orElse(-1)))
          .toList();
    } catch (IOException e) {
      throw FileFailures.cannotRead(home, e);
    }
  }

  /** The run in {@code home} that was trained last, of those that have a checkpoint. */
  public static Optional<Entry> newest(Path home) {
    return list(home).stream()
        .filter(run -> run.step() >= 0)
        .max(Comparator.comparing(Entry::path, BY_TIME));
  }

  /** The directories of the runs in {@code home}, the one that was trained last first. */
  public static List<Path> paths(Path home) {
    if (!Files.isDirectory(home)) {
      return List.of();
    }
    try (Stream<Path> children = Files.list(home)) {
      return children
          .filter(path -> Files.isDirectory(path) && SavedRun.looksLikeRun(path))
          .sorted(BY_TIME.reversed().thenComparing(RunCatalog::name, Comparator.reverseOrder()))
          .toList();
    } catch (IOException e) {
      throw FileFailures.cannotRead(home, e);
    }
  }

  public static String name(Path path) {
    Path last = path.toAbsolutePath().normalize().getFileName();
    return last == null ? path.toString() : last.toString();
  }

  /**
   * The directory of a run that a user named: a path, or the name of one in {@link #HOME}.
   *
   * @throws Failure when there is no such run
   */
  public static Path find(String name) {
    Path path = PathName.of(name);
    if (Files.isDirectory(path)) {
      return path;
    }
    Path home = HOME.resolve(name);
    if (Files.isDirectory(home)) {
      return home;
    }
    if (!Files.exists(path) && !Files.notExists(path)) {
      SavedRun.requireDirectory(path);
    }
    throw Failure.failed("there is no run " + name + others(path));
  }

  /**
   * Where the run or checkpoint is that a user named: a path, or the name of a run in {@link
   * #HOME}.
   *
   * @throws Failure when there is neither
   */
  public static Path place(Path named) {
    if (Files.exists(named)) {
      return named;
    }
    Path home = HOME.resolve(named);
    if (Files.isDirectory(home)) {
      return home;
    }
    if (Files.notExists(named)) {
      throw Failure.failed(
          named
              + " does not exist; give a run's directory, its name, or one of its checkpoints"
              + others(named));
    }
    return named;
  }

  private static String others(Path named) {
    List<String> names = list(HOME).stream().map(Entry::name).toList();
    return names.isEmpty()
        ? "; " + HOME + " has none"
        : Nearest.among(name(named), names.reversed().subList(0, Math.min(names.size(), MOST)));
  }
}
