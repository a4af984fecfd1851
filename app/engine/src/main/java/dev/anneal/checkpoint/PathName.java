package dev.anneal.checkpoint;

import dev.anneal.failure.Failure;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** The one place where text that somebody typed becomes a path. */
public final class PathName {
  private PathName() {}

  /**
   * The path that a text names.
   *
   * @throws Failure a usage error, when no file can have that name on this system
   */
  public static Path of(String text) {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw refused(e);
    }
  }

  /** The same failure, where a text became a path elsewhere. */
  public static Failure refused(InvalidPathException e) {
    return Failure.usage(
        "'"
            + FileFailures.shown(e.getInput())
            + "' can be no file's name here: "
            + e.getReason().toLowerCase(java.util.Locale.ROOT)
            + "; give another path");
  }
}
