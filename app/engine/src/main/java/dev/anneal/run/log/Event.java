package dev.anneal.run.log;

import dev.anneal.eval.Peak;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.failure.Spelling;
import dev.anneal.plan.Precision;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * What a session says. Progress lines, {@code --json}, the run's log, the dashboard and the tests
 * are all listeners of the same events.
 */
public sealed interface Event {

  /** The state of a run, as the prompt shows it. */
  enum State {
    RUNNING,
    PAUSED,
    /** The run has ended; its weights can still be sampled, inspected and rewound. */
    DONE,
    FAILED
  }

  /** Why a run ended. */
  enum Outcome {
    /** All steps were made. */
    COMPLETED,
    /** The condition of {@code until} came true. */
    TARGET,
    TIME_LIMIT,
    /** A front end asked for it. */
    STOPPED,
    /** The loss or a gradient is NaN or infinite. */
    NOT_FINITE,
    /** The device answers nothing any more; the last checkpoint is whole. */
    DEVICE_LOST,
    FAILED
  }

  /**
   * A run begins, or goes on after {@code step} updates.
   *
   * @param dtype of what the device stores and multiplies
   * @param bytes of each arena
   * @param deterministic whether the same run has the same bits
   * @param kernels the versions that the device uses, by name; the bits depend on them
   */
  record Started(
      String run,
      String model,
      long parameters,
      String data,
      String backend,
      String device,
      Precision dtype,
      int step,
      int steps,
      int tokensPerStep,
      double flopsPerToken,
      Map<String, Long> bytes,
      Map<String, Integer> kernels,
      boolean deterministic,
      Optional<Path> directory)
      implements Event {

    /** The most that the device does in the run's dtype, as far as known; reads a file. */
    public Optional<Peak> peak() {
      return Peak.of(device, dtype);
    }
  }

  /**
   * An update was made.
   *
   * @param step updates so far, from 1
   * @param loss of the batch before the update, nats per token
   * @param kinds milliseconds by kind of op
   */
  record Step(
      int step,
      double loss,
      double learningRate,
      double gradientNorm,
      double milliseconds,
      double tokensPerSecond,
      String backend,
      Map<String, Double> kinds)
      implements Event {}

  /** The loss on the held-out split, nats per token. */
  record Evaluation(int step, double loss, double milliseconds) implements Event {}

  record SampleStarted(int step, String prompt) implements Event {}

  /** A piece of a sample: whole characters. */
  record SampleText(String text) implements Event {}

  /**
   * A sample is whole, or was cancelled.
   *
   * @param text all of it, without the prompt
   */
  record SampleEnded(int step, int tokens, double milliseconds, String text) implements Event {}

  record Saved(int step, Path checkpoint, long bytes, double milliseconds) implements Event {}

  /** A setting of the live run was changed. */
  record Changed(int step, String setting, String from, String to) implements Event {}

  /** The run is back at an earlier step; what came after it has not happened yet. */
  record Rewound(int step, int from) implements Event {}

  /** The run goes on as another one; the last of this run's log, which the other one has not. */
  record Branched(int step, Path to) implements Event {}

  record StateChanged(State state, int step) implements Event {}

  record Warning(String text) implements Event {}

  /**
   * A large text is being read, before the run begins: {@code bytes} of {@code of} so far. What a
   * listener throws ends it.
   */
  record Reading(String data, long bytes, long of) implements Event {}

  /**
   * The run is over.
   *
   * @param loss of the last step
   * @param evaluation the last one
   * @param error one line, when the outcome is a failure
   */
  record Ended(
      Outcome outcome,
      int step,
      Optional<Double> loss,
      Optional<Double> evaluation,
      double seconds,
      Optional<String> error)
      implements Event {

    /** How the run failed, when it did: the numbers, the device, or anything else. */
    public Optional<Failure> failure() {
      return switch (outcome) {
        case COMPLETED, TARGET, TIME_LIMIT, STOPPED -> Optional.empty();
        case NOT_FINITE -> Optional.of(new Failure(ExitCode.NUMBERS, error.orElse("not finite")));
        case DEVICE_LOST -> Optional.of(new Failure(ExitCode.BACKEND, error.orElse("device lost")));
        case FAILED -> Optional.of(Failure.failed(error.orElse("the run failed")));
      };
    }
  }

  /** The same event, with the settings that it names written as {@code spelling} says. */
  default Event spelled(Spelling spelling) {
    return switch (this) {
      case Warning(String text) -> new Warning(spelling.spell(text));
      case Ended e ->
          new Ended(
              e.outcome(),
              e.step(),
              e.loss(),
              e.evaluation(),
              e.seconds(),
              e.error().map(spelling::spell));
      default -> this;
    };
  }

  /** Hears events on the run's thread, in order; it must return quickly. */
  @FunctionalInterface
  interface Listener {
    void on(Event event);
  }
}
