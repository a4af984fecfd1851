package dev.anneal.run.log;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.TextLines;
import dev.anneal.eval.Peak;
import dev.anneal.eval.Utilization;
import dev.anneal.run.log.Event.State;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * All that a run has said, as front ends show it: built from the events of a live run, of its log
 * or of a record, always in the same way. Any thread may ask for a {@link #snapshot}.
 */
public final class History implements Event.Listener {
  private static final int NOTES = 500;
  private static final int SAMPLES = 12;
  private static final double TIMING_WEIGHT = 0.9;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** A line of the event log. */
  public record Note(Instant time, Event event) {}

  /** A sample, perhaps still being drawn. */
  public record Sample(int step, String prompt, String text, boolean whole) {}

  /**
   * The history at one moment.
   *
   * @param state empty when the run is not live here
   * @param branched whether all that follows belongs to another run
   * @param kinds milliseconds by kind of op, averaged over the last steps
   * @param notes oldest first
   * @param samples oldest first
   * @param pace how fast it goes, since it last began to go
   */
  public record Snapshot(
      Optional<Event.Started> started,
      Optional<State> state,
      Optional<Event.Ended> ended,
      boolean branched,
      Map<Metric, Series> metrics,
      Map<String, Double> kinds,
      List<Note> notes,
      List<Sample> samples,
      int nonFinite,
      Pace pace) {

    /** The numbers that every front end shows. */
    public Summary summary() {
      return Summary.of(this, pace);
    }

    /** What the run reaches of a peak, on average; empty before the first step. */
    public Optional<Utilization> utilization(Peak peak) {
      Summary numbers = summary();
      return numbers.averaged() == 0
          ? Optional.empty()
          : started.map(s -> new Utilization(s.flopsPerToken() * numbers.tokensPerSecond(), peak));
    }

    public Series series(Metric metric) {
      return metrics.getOrDefault(metric, Series.EMPTY);
    }

    /** Updates so far; a step whose numbers are not finite is none. */
    public int step() {
      if (ended.isPresent()) {
        return ended.get().step();
      }
      Series loss = series(Metric.LOSS);
      int started = this.started.map(Event.Started::step).orElse(0);
      return loss.isEmpty() ? started : loss.steps()[loss.size() - 1];
    }
  }

  private final Map<Metric, Series> metrics = new EnumMap<>(Metric.class);
  private final Map<String, Double> kinds = new TreeMap<>();
  private final Deque<Note> notes = new ArrayDeque<>();
  private final Deque<Sample> samples = new ArrayDeque<>();
  private Optional<Event.Started> started = Optional.empty();
  private Optional<State> state = Optional.empty();
  private Optional<Event.Ended> ended = Optional.empty();
  private boolean branched;
  private Pace pace = Pace.NONE;
  private boolean ownSample;
  private double seconds;
  private int nonFinite;
  private Optional<String> problem = Optional.empty();
  private volatile long revision;

  /** Changes with every event. */
  public long revision() {
    return revision;
  }

  /** What a run's log tells; empty when there is none. Lines that are no events are passed over. */
  public static History read(Path run) {
    History history = new History();
    Path log = run.resolve(RunLog.EVENTS);
    if (!Files.exists(log)) {
      return history;
    }
    try (BufferedReader lines = TextLines.ofFile(log)) {
      int number = 1;
      for (String line = lines.readLine(); line != null; line = lines.readLine(), number++) {
        if (!history.isAdded(line) && history.problem.isEmpty()) {
          history.problem = Optional.of(log + ", line " + number + " is torn; it is passed over");
        }
      }
    } catch (IOException e) {
      throw FileFailures.cannotRead(log, e);
    }
    return history;
  }

  /** Which line of the log could not be read, the first of them. */
  public Optional<String> problem() {
    return problem;
  }

  /** Adds a line of a log; the last one may be half written. */
  public void add(String line) {
    isAdded(line);
  }

  private boolean isAdded(String line) {
    try {
      JsonNode node = JSON.readTree(line);
      Instant time = Instant.ofEpochMilli(node.path("time").asLong());
      EventJson.read(node).ifPresent(event -> on(event, time));
      return true;
    } catch (JsonProcessingException e) {
      return false;
    }
  }

  @Override
  public void on(Event event) {
    on(event, Instant.now());
  }

  /** Adds an event of another time. */
  public synchronized void on(Event event, Instant time) {
    revision++;
    gather(event);
    if (!(event instanceof Event.Step || event instanceof Event.SampleText)) {
      notes.addLast(new Note(time, event));
      if (notes.size() > NOTES) {
        notes.removeFirst();
      }
    }
  }

  private void gather(Event event) {
    switch (event) {
      case Event.Started e -> {
        started = Optional.of(e);
        branched = false;
        state = Optional.of(State.RUNNING);
        ended = Optional.empty();
        pace = Pace.NONE;
        forget(e.step());
      }
      case Event.Step e -> step(e);
      case Event.Evaluation e -> {
        add(Metric.VAL_LOSS, e.step(), e.loss());
        pace = pace.other(e.milliseconds() / 1000);
      }
      case Event.SampleStarted e -> {
        // A run's own samples have no prompt; those of a user come when they come.
        ownSample = e.prompt().isEmpty();
        samples.addLast(new Sample(e.step(), e.prompt(), "", false));
        if (samples.size() > SAMPLES) {
          samples.removeFirst();
        }
      }
      case Event.SampleText e -> extendSample(e.text());
      case Event.SampleEnded e -> {
        endSample(e);
        if (ownSample) {
          pace = pace.other(e.milliseconds() / 1000);
        }
      }
      case Event.Rewound e -> {
        pace = Pace.NONE;
        forget(e.step());
        ended = Optional.empty();
      }
      case Event.Branched e -> branched = true;
      case Event.StateChanged e -> {
        branched = false;
        if (e.state() == State.RUNNING) {
          pace = Pace.NONE;
        }
        state = Optional.of(e.state());
        if (e.state() == State.RUNNING || e.state() == State.PAUSED) {
          ended = Optional.empty();
        }
      }
      case Event.Ended e -> {
        ended = Optional.of(e);
        state = Optional.of(e.error().isPresent() ? State.FAILED : State.DONE);
      }
      case Event.Saved e -> pace = pace.other(e.milliseconds() / 1000);
      case Event.Changed e -> {}
      case Event.Warning e -> {}
      case Event.Reading e -> {}
    }
  }

  private void step(Event.Step e) {
    seconds += e.milliseconds() / 1000;
    pace = pace.step(e.milliseconds() / 1000);
    add(Metric.LOSS, e.step(), e.loss());
    add(Metric.LR, e.step(), e.learningRate());
    add(Metric.GRAD_NORM, e.step(), e.gradientNorm());
    add(Metric.MS, e.step(), e.milliseconds());
    add(Metric.TOKENS_PER_S, e.step(), e.tokensPerSecond());
    if (!Double.isFinite(e.loss()) || !Double.isFinite(e.gradientNorm())) {
      nonFinite++;
    }
    e.kinds()
        .forEach(
            (kind, ms) ->
                kinds.merge(
                    kind, ms, (old, now) -> TIMING_WEIGHT * old + (1 - TIMING_WEIGHT) * now));
  }

  private void add(Metric metric, int step, double value) {
    Series before = metrics.getOrDefault(metric, Series.EMPTY);
    // A step that is made again replaces what it was.
    Series earlier =
        before.isEmpty() || before.steps()[before.size() - 1] < step
            ? before
            : before.upTo(step - 1);
    metrics.put(metric, earlier.with(step, seconds, value));
  }

  private void forget(int after) {
    metrics.replaceAll((metric, series) -> series.upTo(after));
    Series loss = metrics.getOrDefault(Metric.LOSS, Series.EMPTY);
    seconds = loss.isEmpty() ? 0 : loss.seconds()[loss.size() - 1];
  }

  private void extendSample(String text) {
    if (!samples.isEmpty()) {
      Sample last = samples.removeLast();
      samples.addLast(new Sample(last.step(), last.prompt(), last.text() + text, false));
    }
  }

  private void endSample(Event.SampleEnded e) {
    if (!samples.isEmpty()) {
      Sample last = samples.removeLast();
      samples.addLast(new Sample(last.step(), last.prompt(), e.text(), true));
    }
  }

  public synchronized Snapshot snapshot() {
    return new Snapshot(
        started,
        state,
        ended,
        branched,
        Map.copyOf(metrics),
        new TreeMap<>(kinds),
        new ArrayList<>(notes),
        new ArrayList<>(samples),
        nonFinite,
        pace);
  }
}
