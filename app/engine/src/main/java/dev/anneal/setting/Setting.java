package dev.anneal.setting;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.failure.Failure;
import dev.anneal.failure.Spelling;
import java.util.Locale;
import java.util.Optional;

/**
 * A number that a user chooses: its names, the values that it may have, and what to do about
 * another. The one place that the command line, {@code set} and saved runs are checked against.
 */
public enum Setting {
  LAYERS("model.layers", Whole.POSITIVE, "such as 4"),
  HEADS("model.heads", Whole.POSITIVE, "such as 4"),
  CHANNELS("model.channels", Whole.POSITIVE, "a multiple of " + setting("heads") + ", such as 128"),
  CONTEXT("model.context", Whole.POSITIVE, "such as 128"),
  VOCABULARY("the vocabulary", "model.vocabulary", Whole.POSITIVE, "such as 256"),
  BATCH("batch", Whole.POSITIVE, "such as 8"),
  SEQ("sequence", Whole.POSITIVE, "such as 128"),
  TOTAL_BATCH(
      "total_batch",
      Whole.POSITIVE,
      "a multiple of " + setting("batch") + " times " + setting("seq")),
  MICRO_STEPS(
      "the number of micro-steps",
      "micro_steps",
      new Range.Whole(1, 1 << 16),
      "raise " + setting("batch") + " or lower " + setting("total-batch")),
  CLASSIFIER_CHUNKS("classifier_chunks", Whole.COUNT, "0 for all tokens at once"),

  STEPS("schedule.horizon", Whole.STEPS, "such as 1000"),
  LR("schedule.peak", Range.Real.above(0, Float.MAX_VALUE), "such as 3e-4"),
  WARMUP("schedule.warmup", Whole.STEPS_OR_NONE, "0 for none"),
  FINAL_LR_FRACTION("schedule.final_fraction", Range.Real.within(0, 1), "such as 0.1"),
  WEIGHT_DECAY("adamw.weight_decay", Range.Real.within(0, 1000), "such as 0.1"),
  BETA1("adamw.beta1", Range.Real.below(0, 1), "such as 0.9"),
  BETA2("adamw.beta2", Range.Real.below(0, 1), "such as 0.95"),
  EPSILON("AdamW's epsilon", "adamw.epsilon", Range.Real.above(0, 1), "such as 1e-8"),
  MUON_LR("muon.rate", Range.Real.above(0, Float.MAX_VALUE), "such as 0.02"),
  MUON_MOMENTUM("muon.momentum", Range.Real.below(0, 1), "such as 0.95"),
  CLIP("adamw.max_norm", Range.Real.from(0), "0 for no clipping"),

  VAL_EVERY("intervals.evaluate", Whole.COUNT, "0 for never"),
  VAL_BATCHES("intervals.evaluation_batches", Whole.COUNT, "such as 20"),
  SAMPLE_EVERY("intervals.sample", Whole.COUNT, "0 for never"),
  SAMPLE_TOKENS("intervals.sample_tokens", Whole.KEPT_TEXT, "0 for none"),
  CHECKPOINT_EVERY("intervals.checkpoint", Whole.COUNT, "0 for the end only"),
  KEEP("intervals.checkpoints_kept", Whole.COUNT, "0 for all"),

  TOKENS("tokens", Whole.POSITIVE, "such as 256"),
  TEMPERATURE("temperature", Range.Real.from(0), "such as 0.8"),
  TOP_K("top_k", Whole.COUNT, "0 for all"),
  TOP_P("top_p", Range.Real.above(0, 1), "1 for all"),

  THREADS("threads", new Range.Whole(1, 1024), "this machine's cores by default"),
  DEVICE("device", Whole.COUNT, "backends lists them"),
  TIME_LIMIT("time_limit", Range.Real.above(0, 1e9), "seconds"),
  TOLERANCE("tolerance", Range.Real.from(0), "such as 1e-5"),
  /** The step of a checkpoint, whose directory has it in its name. */
  STEP("the step", "step", Whole.STEPS_OR_NONE, "use another checkpoint");

  /** The ranges that several have. */
  private static final class Whole {
    static final Range POSITIVE = new Range.Whole(1, Integer.MAX_VALUE);
    static final Range COUNT = new Range.Whole(0, Integer.MAX_VALUE);

    /** A checkpoint's directory has nine digits. */
    static final Range STEPS = new Range.Whole(1, 999_999_999);

    static final Range STEPS_OR_NONE = new Range.Whole(0, 999_999_999);

    /** Tokens of a text that is held whole, in memory and in a line of the log. */
    static final Range KEPT_TEXT = new Range.Whole(0, 1_000_000);
  }

  private final String marked;
  private final String field;
  private final Range range;
  private final String advice;

  Setting(String field, Range range, String advice) {
    this(Optional.empty(), field, range, advice);
  }

  /** One that is no option, and is told in words. */
  Setting(String words, String field, Range range, String advice) {
    this(Optional.of(words), field, range, advice);
  }

  Setting(Optional<String> words, String field, Range range, String advice) {
    this.marked = words.orElseGet(() -> setting(name().toLowerCase(Locale.ROOT).replace('_', '-')));
    this.field = field;
    this.range = range;
    this.advice = advice;
  }

  /** As a line for a user names it, for a {@link Spelling}: {@code val-every}, or words. */
  public String marked() {
    return marked;
  }

  /** As in {@code set}: {@code val_every}. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Where a saved run's configuration has it: {@code intervals.evaluate}. */
  public String field() {
    return field;
  }

  public Range range() {
    return range;
  }

  /**
   * A whole number in range.
   *
   * @throws Failure that names it as it was written, its value, what was expected and an example
   */
  public int whole(Written where, long value) {
    if (!range.contains(value)) {
      throw outOfRange(where, String.valueOf(value));
    }
    return (int) value;
  }

  /**
   * A number in range; NaN never is.
   *
   * @throws Failure as for {@link #whole}
   */
  public double real(Written where, double value) {
    if (!range.contains(value)) {
      throw outOfRange(where, String.valueOf(value));
    }
    return value;
  }

  /** A whole number as it was typed. */
  public int whole(Written where, String text) {
    try {
      return whole(where, Long.parseLong(text));
    } catch (NumberFormatException e) {
      throw notANumber(where, "whole number", text);
    }
  }

  /** A number as it was typed. */
  public double real(Written where, String text) {
    try {
      return real(where, Double.parseDouble(text));
    } catch (NumberFormatException e) {
      throw notANumber(where, "number", text);
    }
  }

  private Failure outOfRange(Written where, String value) {
    return refused(where, value, range.expected());
  }

  private Failure notANumber(Written where, String kind, String text) {
    return refused(where, "'" + text + "'", "a " + kind + ", " + range.expected());
  }

  private Failure refused(Written where, String value, String expected) {
    return where.failure(
        where.name(this) + " is " + value + "; expected " + expected + " (" + advice + ")");
  }
}
