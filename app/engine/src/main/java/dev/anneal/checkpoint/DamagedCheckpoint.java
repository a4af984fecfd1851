package dev.anneal.checkpoint;

import java.nio.file.Path;

/**
 * A checkpoint that is not as it was saved.
 *
 * @param why names the file, what it has and what was expected
 */
public record DamagedCheckpoint(Path directory, String why) {

  /** What someone is told who only reads, and takes {@code instead}. */
  String skippedFor(Checkpoint instead) {
    return why + "; using " + instead + " instead";
  }
}
