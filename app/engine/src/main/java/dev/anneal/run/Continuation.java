package dev.anneal.run;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.failure.Failure;
import dev.anneal.model.ModelFamily;
import dev.anneal.plan.Recompute;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.log.Event;
import dev.anneal.setting.Written;
import dev.anneal.training.Schedule;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * What a run does differently from where it goes on. The updates that it has made stay as they are,
 * so that going back to one gives the same bits.
 *
 * @param settings as {@code set} takes them
 * @param source where the data is now, when it was moved
 * @param validation where what it is measured on is now
 * @param recompute which costs time or memory, and changes no bit
 * @param shape of the schedule, when Java code makes it
 * @param family of the model, when it is a program's own
 */
public record Continuation(
    SequencedMap<LiveSetting, String> settings,
    Optional<String> source,
    Optional<String> validation,
    Optional<Recompute> recompute,
    Optional<Schedule.Shape> shape,
    Optional<ModelFamily> family) {

  /** Nothing is different. */
  public static final Continuation SAME =
      new Continuation(
          new LinkedHashMap<>(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty());

  /** What a program's user says. */
  public Continuation(
      SequencedMap<LiveSetting, String> settings,
      Optional<String> source,
      Optional<String> validation,
      Optional<Recompute> recompute) {
    this(settings, source, validation, recompute, Optional.empty(), Optional.empty());
  }

  /** Nothing is different, and the code of the schedule is there again. */
  public Continuation with(Schedule.Shape own) {
    return new Continuation(settings, source, validation, recompute, Optional.of(own), family);
  }

  /** Nothing is different, and the code of the model is there again. */
  public Continuation with(ModelFamily own) {
    return new Continuation(settings, source, validation, recompute, shape, Optional.of(own));
  }

  /**
   * The configuration that goes on.
   *
   * @param step updates made
   * @throws Failure when a setting cannot be as asked for
   */
  RunConfig of(RunConfig saved, int step) {
    RunConfig config = withCode(saved);
    for (Map.Entry<LiveSetting, String> setting : settings.entrySet()) {
      config = setting.getKey().in(config, step, setting.getValue(), Written.OPTION);
    }
    RunConfig.Data data = config.data();
    if (validation.isPresent() && data.validation().isEmpty()) {
      throw Failure.usage(
          setting("val-data")
              + ": this run is measured on a part of its data that it holds out, which stays;"
              + " with "
              + setting("out")
              + " DIR, a new run begins with its weights and can have another");
    }
    RunConfig.Data moved = data.movedTo(source, validation);
    RunConfig same = config.data().equals(moved) ? config : config.with(moved);
    return recompute.map(same::with).orElse(same);
  }

  /** With what no file keeps. */
  private RunConfig withCode(RunConfig saved) {
    RunConfig modelled = family.map(saved::with).orElse(saved);
    return shape.map(own -> modelled.with(again(own, saved.schedule()))).orElse(modelled);
  }

  private static Schedule again(Schedule.Shape own, Schedule saved) {
    if (!own.name().equals(saved.shape().name())) {
      throw Failure.usage(
          "the run's schedule is " + saved.shape().name() + ", and not " + own.name());
    }
    return saved.with(own);
  }

  /** What to tell of it. */
  List<Event.Changed> changes(RunConfig before, RunConfig after, int step) {
    List<Event.Changed> changes = new ArrayList<>();
    for (LiveSetting setting : settings.keySet()) {
      String from = setting.value(before, step);
      String to = setting.value(after, step);
      if (!from.equals(to)) {
        changes.add(new Event.Changed(step, setting.key(), from, to));
      }
    }
    source.ifPresent(
        path ->
            changes.add(
                new Event.Changed(step, "data", before.data().source().orElse("the JDK's"), path)));
    validation.ifPresent(
        path ->
            changes.add(
                new Event.Changed(
                    step, "val_data", before.data().validation().orElse("held out"), path)));
    return changes;
  }
}
