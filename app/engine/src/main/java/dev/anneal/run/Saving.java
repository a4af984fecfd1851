package dev.anneal.run;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.run.log.Event;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * When a run is saved, and what happens when it cannot be: a run in progress goes on and tries
 * again, one that ends fails, and one that has failed keeps what it had.
 */
final class Saving {
  private final Run run;
  private final Consumer<Event> tell;
  private int savedAt = -1;

  Saving(Run run, Consumer<Event> tell) {
    this.run = run;
    this.tell = tell;
  }

  /** The run is as it was saved, or will be again from its seed. */
  void isSaved() {
    savedAt = run.step();
  }

  /** The configuration is another one than that of this step's checkpoint. */
  void isChanged() {
    savedAt = -1;
  }

  /**
   * Saves now; empty when there is a checkpoint of this step already.
   *
   * @throws Failure when that cannot be done
   */
  Optional<Event.Saved> now() {
    return save(false);
  }

  private Optional<Event.Saved> save(boolean failed) {
    Optional<Event.Saved> saved = run.save(failed);
    saved.ifPresent(tell);
    savedAt = run.step();
    tellWarnings();
    return saved;
  }

  /** Saves what is not saved yet, or fails. */
  void atEnd() {
    if (savedAt != run.step()) {
      now();
    }
  }

  /** Saves; a disk that is full now may not be so later. */
  void periodically() {
    try {
      atEnd();
    } catch (Failure e) {
      if (e.exitCode() != ExitCode.FAILED) {
        throw e;
      }
      tell.accept(
          new Event.Warning(
              e.unspelled()
                  + "; the run goes on, and it is tried again after "
                  + run.config().intervals().checkpoint()
                  + " steps and at the end"));
    }
  }

  /**
   * Saves what is good of a run that has failed.
   *
   * @param failure what is told already
   * @return where its weights are, or why they are nowhere
   */
  String afterFailure(String failure) {
    if (!run.isIntact()) {
      return "; an update may be half made, so it is not saved" + last();
    }
    if (savedAt == run.step()) {
      return last();
    }
    try {
      return save(true)
          .map(Event.Saved::checkpoint)
          .or(run::lastCheckpoint)
          .map(path -> "; the weights of step " + run.step() + " are saved: " + path)
          .orElse("");
    } catch (RuntimeException | Error e) {
      // The first failure is the one to tell.
      String why = e instanceof Failure told ? told.unspelled() : String.valueOf(e.getMessage());
      return (failure.equals(why) ? "" : "; its weights cannot be saved: " + why) + last();
    }
  }

  private String last() {
    Optional<Path> last = run.lastCheckpoint();
    return last.map(path -> "; the last checkpoint is " + path).orElse("");
  }

  /** Tells what the run's directory has to warn of. */
  void tellWarnings() {
    run.takeWarnings().forEach(warning -> tell.accept(new Event.Warning(warning)));
  }
}
