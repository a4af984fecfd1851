package dev.anneal.run;

import dev.anneal.failure.Failure;
import dev.anneal.generation.SamplingSettings;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.config.RunConfig.Intervals;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.JsonNumbers;
import dev.anneal.setting.Nearest;
import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;

/** What can be changed while a run is live. Every change takes effect between two steps. */
public enum LiveSetting {
  LR("peak learning rate; the schedule's shape goes on"),
  STEPS("updates of the whole run; the schedule goes on as one of so many"),
  VAL_EVERY("steps between validations, 0 for none"),
  VAL_BATCHES("batches per validation, at most"),
  SAMPLE_EVERY("steps between samples, 0 for none"),
  SAMPLE_TOKENS("tokens per sample, 0 for none"),
  CHECKPOINT_EVERY("steps between checkpoints, 0 for none"),
  KEEP("checkpoints kept, 0 for all"),
  TEMPERATURE("of samples; 0 takes the likeliest token"),
  TOP_K("samples draw from the K likeliest tokens, 0 for all"),
  TOP_P("samples draw from the likeliest tokens of this mass"),
  SEED("of samples");

  private final String description;

  LiveSetting(String description) {
    this.description = description;
  }

  public String description() {
    return description;
  }

  /** As it is typed: {@code lr}, {@code top_k}. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  public static List<String> keys() {
    return Arrays.stream(values()).map(LiveSetting::key).toList();
  }

  /**
   * The setting that a user typed.
   *
   * @throws Failure when there is none of that name
   */
  public static LiveSetting of(String key) {
    String plain = key.replace('-', '_').toLowerCase(Locale.ROOT);
    return Arrays.stream(values())
        .filter(setting -> setting.key().equals(plain))
        .findFirst()
        .orElseThrow(
            () -> Failure.usage("there is no setting " + key + Nearest.among(plain, keys())));
  }

  /** Its value now, as it would be typed. */
  public String value(Session session, Run run) {
    SamplingSettings sampling = session.sampling();
    return switch (this) {
      case TEMPERATURE -> JsonNumbers.number(sampling.temperature());
      case TOP_K -> "" + sampling.topK();
      case TOP_P -> JsonNumbers.number(sampling.topP());
      case SEED -> "" + sampling.seed();
      default -> value(run.config(), run.step());
    };
  }

  /** Its value in a configuration after {@code step} updates. */
  String value(RunConfig config, int step) {
    Intervals every = config.intervals();
    return switch (this) {
      case LR -> JsonNumbers.number(config.schedule().peakAt(step + 1));
      case STEPS -> "" + config.steps();
      case VAL_EVERY -> "" + every.evaluate();
      case VAL_BATCHES -> "" + every.evaluationBatches();
      case SAMPLE_EVERY -> "" + every.sample();
      case SAMPLE_TOKENS -> "" + every.sampleTokens();
      case CHECKPOINT_EVERY -> "" + every.checkpoint();
      case KEEP -> "" + every.checkpointsKept();
      case TEMPERATURE, TOP_K, TOP_P, SEED -> throw notOfTheRun();
    };
  }

  /** Changes it between two steps; the change is an event, so it is shown and logged. */
  public CompletableFuture<Event.Changed> change(Session session, String to) {
    return session.atBoundary(
        run -> {
          String from = value(session, run);
          apply(session, run, to);
          session.unsave();
          Event.Changed changed = new Event.Changed(run.step(), key(), from, value(session, run));
          session.emit(changed);
          return changed;
        });
  }

  private void apply(Session session, Run run, String to) {
    SamplingSettings s = session.sampling();
    switch (this) {
      case TEMPERATURE ->
          session.setSampling(
              new SamplingSettings(
                  Setting.TEMPERATURE.real(Written.LIVE, to), s.topK(), s.topP(), s.seed()));
      case TOP_K ->
          session.setSampling(
              new SamplingSettings(
                  s.temperature(), Setting.TOP_K.whole(Written.LIVE, to), s.topP(), s.seed()));
      case TOP_P ->
          session.setSampling(
              new SamplingSettings(
                  s.temperature(), s.topK(), Setting.TOP_P.real(Written.LIVE, to), s.seed()));
      case SEED ->
          session.setSampling(new SamplingSettings(s.temperature(), s.topK(), s.topP(), seed(to)));
      default -> {
        RunConfig changed = in(run.config(), run.step(), to, Written.LIVE);
        if (changesBits()) {
          run.requireNothingSavedAhead(key());
        }
        run.change(changed);
      }
    }
  }

  /** Whether updates to come depend on it. */
  private boolean changesBits() {
    return this == LR || this == STEPS;
  }

  /**
   * What {@code config} becomes when this is {@code to} from the update after {@code step} on.
   *
   * @throws Failure when it cannot be, or is not of the configuration
   */
  RunConfig in(RunConfig config, int step, String to, Written where) {
    return switch (this) {
      case LR -> config.with(config.schedule().withPeakAfter(step, Setting.LR.real(where, to)));
      case STEPS -> {
        int steps = Setting.STEPS.whole(where, to);
        if (steps < step) {
          throw Failure.usage(
              where.name(Setting.STEPS)
                  + " is "
                  + steps
                  + ", and the run has made "
                  + step
                  + " updates; expected at least as many, or rewind it first");
        }
        yield config.with(config.schedule().withHorizonAfter(step, steps));
      }
      case VAL_EVERY, VAL_BATCHES, SAMPLE_EVERY, SAMPLE_TOKENS, CHECKPOINT_EVERY, KEEP ->
          config.with(in(config.intervals(), to, where));
      case TEMPERATURE, TOP_K, TOP_P, SEED -> throw notOfTheRun();
    };
  }

  private Intervals in(Intervals i, String to, Written where) {
    int every = this == VAL_EVERY ? Setting.VAL_EVERY.whole(where, to) : i.evaluate();
    int batches =
        this == VAL_BATCHES ? Setting.VAL_BATCHES.whole(where, to) : i.evaluationBatches();
    Intervals.requireBatches(every, batches, where);
    return new Intervals(
        every,
        batches,
        this == SAMPLE_EVERY ? Setting.SAMPLE_EVERY.whole(where, to) : i.sample(),
        this == SAMPLE_TOKENS ? Setting.SAMPLE_TOKENS.whole(where, to) : i.sampleTokens(),
        this == CHECKPOINT_EVERY ? Setting.CHECKPOINT_EVERY.whole(where, to) : i.checkpoint(),
        this == KEEP ? Setting.KEEP.whole(where, to) : i.checkpointsKept());
  }

  private long seed(String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw Failure.usage(
          key() + " is '" + text + "'; expected a whole number (" + description + ")");
    }
  }

  private IllegalArgumentException notOfTheRun() {
    return new IllegalArgumentException(this + " is not of a run's configuration");
  }
}
