package dev.anneal.run.store;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.RunLock;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Deletes and renames runs that nobody trains. */
public final class RunRemoval {
  /** What a run writes, and what of it was left half written or is damaged. */
  private static final Pattern OURS =
      Pattern.compile(
          "step_\\d+(\\..*)?|log\\.jsonl|main\\.log|(config|notes)\\.json(\\.tmp-.*)?"
              + "|record-\\d+\\.jsonl");

  private RunRemoval() {}

  /**
   * Deletes a run.
   *
   * @return names in its directory that are not of a run, and stay
   * @throws Failure when it is trained, or cannot be deleted
   */
  public static List<String> delete(Path run) {
    requireRun(run);
    List<String> others = new ArrayList<>();
    try (RunLock lock = RunLock.acquire(run)) {
      try (Stream<Path> files = Files.list(run)) {
        for (Path file : files.toList()) {
          String name = String.valueOf(file.getFileName());
          if (OURS.matcher(name).matches()) {
            deleteTree(file);
          } else if (!name.equals(RunLock.NAME)) {
            others.add(name);
          }
        }
      }
      // While it is held: nobody can have begun another run here.
      Files.delete(run.resolve(RunLock.NAME));
      if (others.isEmpty()) {
        Files.delete(run);
      }
    } catch (IOException e) {
      throw new Failure(ExitCode.FAILED, "cannot delete " + run + ": " + FileFailures.reason(e), e);
    }
    return List.copyOf(others);
  }

  /** A folder of someone's own must not go for its name. */
  private static void requireRun(Path run) {
    if (!Files.isDirectory(run) || !SavedRun.looksLikeRun(run)) {
      throw Failure.failed(run + " is no run; 'runs' lists what there is");
    }
    RunLock.requireFree(run);
  }

  /** Deletes files and then the directories that they were in; follows no links. */
  private static void deleteTree(Path tree) throws IOException {
    Files.walkFileTree(
        tree,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, IOException e)
              throws IOException {
            if (e != null) {
              throw e;
            }
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /**
   * Gives a run another name.
   *
   * @param to a name beside it, or a path
   * @return its new path
   * @throws Failure when it is trained, or there is something of that name
   */
  public static Path rename(Path run, String to) {
    requireRun(run);
    Path target = to.contains("/") ? Path.of(to) : run.resolveSibling(to);
    if (Files.exists(target)) {
      throw Failure.failed(target + " exists; give another name");
    }
    try {
      return Files.move(run, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new Failure(
          ExitCode.FAILED,
          "cannot rename " + run + " to " + target + ": " + FileFailures.reason(e),
          e);
    }
  }
}
