package dev.anneal.session;

import dev.anneal.failure.Failure;
import dev.anneal.generation.SamplingSettings;
import dev.anneal.session.RunConfig.Intervals;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;

/** What can be changed while a run is live. Every change takes effect between two steps. */
public enum LiveSetting {
  LR("peak learning rate; the schedule's shape goes on"),
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
            () ->
                Failure.usage(
                    "there is no setting "
                        + key
                        + Nearest.to(plain, keys())
                        + "; there are "
                        + String.join(", ", keys())));
  }

  /** Its value now, as it would be typed. */
  public String value(Session session, Run run) {
    Intervals every = run.config().intervals();
    SamplingSettings sampling = session.sampling();
    return switch (this) {
      case LR -> JsonNumbers.number(run.config().schedule().peakAt(run.step() + 1));
      case VAL_EVERY -> "" + every.evaluate();
      case VAL_BATCHES -> "" + every.evaluationBatches();
      case SAMPLE_EVERY -> "" + every.sample();
      case SAMPLE_TOKENS -> "" + every.sampleTokens();
      case CHECKPOINT_EVERY -> "" + every.checkpoint();
      case KEEP -> "" + every.checkpointsKept();
      case TEMPERATURE -> JsonNumbers.number(sampling.temperature());
      case TOP_K -> "" + sampling.topK();
      case TOP_P -> JsonNumbers.number(sampling.topP());
      case SEED -> "" + sampling.seed();
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
    Intervals i = run.config().intervals();
    SamplingSettings s = session.sampling();
    switch (this) {
      case LR -> run.changePeak(decimal(to));
      case VAL_EVERY ->
          run.changeIntervals(
              new Intervals(
                  count(to),
                  i.evaluationBatches(),
                  i.sample(),
                  i.sampleTokens(),
                  i.checkpoint(),
                  i.checkpointsKept()));
      case VAL_BATCHES ->
          run.changeIntervals(
              new Intervals(
                  i.evaluate(),
                  atLeastOne(to),
                  i.sample(),
                  i.sampleTokens(),
                  i.checkpoint(),
                  i.checkpointsKept()));
      case SAMPLE_EVERY ->
          run.changeIntervals(
              new Intervals(
                  i.evaluate(),
                  i.evaluationBatches(),
                  count(to),
                  i.sampleTokens(),
                  i.checkpoint(),
                  i.checkpointsKept()));
      case SAMPLE_TOKENS ->
          run.changeIntervals(
              new Intervals(
                  i.evaluate(),
                  i.evaluationBatches(),
                  i.sample(),
                  count(to),
                  i.checkpoint(),
                  i.checkpointsKept()));
      case CHECKPOINT_EVERY ->
          run.changeIntervals(
              new Intervals(
                  i.evaluate(),
                  i.evaluationBatches(),
                  i.sample(),
                  i.sampleTokens(),
                  count(to),
                  i.checkpointsKept()));
      case KEEP ->
          run.changeIntervals(
              new Intervals(
                  i.evaluate(),
                  i.evaluationBatches(),
                  i.sample(),
                  i.sampleTokens(),
                  i.checkpoint(),
                  count(to)));
      case TEMPERATURE ->
          session.setSampling(new SamplingSettings(decimal(to), s.topK(), s.topP(), s.seed()));
      case TOP_K ->
          session.setSampling(new SamplingSettings(s.temperature(), count(to), s.topP(), s.seed()));
      case TOP_P ->
          session.setSampling(
              new SamplingSettings(s.temperature(), s.topK(), decimal(to), s.seed()));
      case SEED ->
          session.setSampling(new SamplingSettings(s.temperature(), s.topK(), s.topP(), whole(to)));
    }
  }

  private double decimal(String text) {
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw notA("number", text);
    }
  }

  private long whole(String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw notA("whole number", text);
    }
  }

  private int count(String text) {
    long value = whole(text);
    if (value < 0 || value > Integer.MAX_VALUE) {
      throw Failure.usage(key() + " is " + text + "; expected 0 or more");
    }
    return (int) value;
  }

  private int atLeastOne(String text) {
    int value = count(text);
    if (value < 1) {
      throw Failure.usage(key() + " is " + text + "; expected 1 or more");
    }
    return value;
  }

  private Failure notA(String what, String text) {
    return Failure.usage(
        key() + " is '" + text + "'; expected a " + what + " (" + description + ")");
  }
}
