package dev.anneal.cache;

import java.nio.file.Path;

/**
 * What {@code java.io.tmpdir} says, for libraries that unpack their native part there and can be
 * told no other place. It is the whole process's, so one such library loads at a time.
 */
public final class TemporaryFolder {
  private static final String PROPERTY = "java.io.tmpdir";

  private TemporaryFolder() {}

  /** Does {@code action} while {@code folder} is where temporary files go. */
  public static synchronized void during(Path folder, Runnable action) {
    String before = System.setProperty(PROPERTY, folder.toString());
    try {
      action.run();
    } finally {
      if (before != null) {
        System.setProperty(PROPERTY, before);
      }
    }
  }
}
