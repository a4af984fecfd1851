package dev.anneal.terminal.live;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.anneal.checkpoint.FileWriter;
import dev.anneal.checkpoint.OutputFile;
import dev.anneal.checkpoint.WrittenContent;
import dev.anneal.eval.Peak;
import dev.anneal.failure.Failure;
import dev.anneal.generation.SamplingSettings;
import dev.anneal.run.LiveRun;
import dev.anneal.run.LiveSetting;
import dev.anneal.run.Run;
import dev.anneal.run.Session;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.History;
import dev.anneal.run.log.Metric;
import dev.anneal.run.store.RunCatalog;
import dev.anneal.terminal.dashboard.Controls;
import dev.anneal.terminal.dashboard.Scene;
import dev.anneal.terminal.plot.Picture;
import dev.anneal.terminal.shell.Candidates;
import dev.anneal.terminal.shell.Script;
import dev.anneal.terminal.shell.Shell;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/** A dashboard's hold on the shell's run, or on the history of one that is elsewhere. */
public final class LiveControls implements Controls {
  private static final int SAMPLE_TOKENS = 200;
  private static final long CATALOG_NANOS = 3_000_000_000L;
  private static final History NOT_READ_YET = new History();

  private final Shell shell;
  private final Supplier<Optional<LiveRun>> live;
  private final Supplier<History> history;
  private final Supplier<String> name;
  private final Supplier<String> whyNot;
  private final BackgroundWork work = new BackgroundWork();
  private Optional<Known> known = Optional.empty();
  private final Map<String, History> others = new ConcurrentHashMap<>();
  private final Set<String> opening = ConcurrentHashMap.newKeySet();
  private final SystemUseMeter meter = new SystemUseMeter();
  private final BackendComparison comparison;
  private volatile Optional<Shell> busy = Optional.empty();
  private volatile List<RunCatalog.Entry> catalog;
  private long catalogAt = System.nanoTime();

  private LiveControls(
      Shell shell,
      Supplier<Optional<LiveRun>> live,
      Supplier<History> history,
      Supplier<String> name,
      Supplier<String> whyNot) {
    this.shell = shell;
    this.live = live;
    this.history = history;
    this.name = name;
    this.whyNot = whyNot;
    this.catalog = RunCatalog.list(home());
    this.comparison = new BackendComparison(live, work::say);
    comparison.look();
  }

  /** The shell's live run, whichever that is: a command can put another in its place. */
  public static LiveControls of(Shell shell) {
    History none = new History();
    return new LiveControls(
        shell,
        shell::live,
        () -> shell.live().map(LiveRun::history).orElse(none),
        () -> shell.live().map(LiveRun::name).orElse("no run"),
        () -> "there is no live run; :train begins one, :load opens one");
  }

  /**
   * A run that cannot be steered from here.
   *
   * @param whyNot as a key says it that would
   */
  public static LiveControls of(Shell shell, History history, String name, String whyNot) {
    return new LiveControls(shell, Optional::empty, () -> history, () -> name, () -> whyNot);
  }

  @Override
  public long revision() {
    return history.get().revision();
  }

  @Override
  public Scene scene(List<String> overlays) {
    History.Snapshot run = history.get().snapshot();
    SequencedMap<String, History.Snapshot> over = new LinkedHashMap<>();
    for (String other : overlays) {
      over.put(other, other(other).snapshot());
    }
    String backend = run.started().map(Event.Started::backend).orElse("");
    double ms = run.series(Metric.MS).quantile(0.5, 200);
    List<Scene.BackendRow> rows = new ArrayList<>();
    for (Scene.BackendRow row : comparison.rows()) {
      boolean current = row.backend().equals(backend) && !Double.isNaN(ms);
      String state = row.stepMs().isPresent() ? "live, " + row.state() : "live";
      rows.add(
          current
              ? new Scene.BackendRow(row.backend(), row.device(), Optional.of(ms), state)
              : row);
    }
    return new Scene(
        run,
        name.get(),
        live.get().isPresent(),
        over,
        meter.read(),
        rows,
        runs(),
        run.started().flatMap(this::peak),
        shell.recording().isPresent(),
        ZoneId.systemDefault(),
        activity());
  }

  /** Looked up when a run begins and not for every frame: it is kept in a file. */
  private Optional<Peak> peak(Event.Started started) {
    if (known.filter(k -> k.started.equals(started)).isEmpty()) {
      known = Optional.of(new Known(started, started.peak()));
    }
    return known.get().peak;
  }

  private record Known(Event.Started started, Optional<Peak> peak) {}

  /** What this dashboard has begun, or else what the run does. */
  private Optional<Scene.Waiting> activity() {
    return work.activity()
        .or(() -> live.get().flatMap(run -> run.session().activity()))
        .map(activity -> new Scene.Waiting(activity.what(), activity.seconds()));
  }

  @Override
  public Optional<String> news() {
    return work.news();
  }

  /** Another run's history, which is empty until it is read. */
  private History other(String run) {
    Path directory = home().resolve(run);
    if (opening.add(run)) {
      work.begin("opening " + run, () -> others.put(run, History.read(directory)));
    }
    return others.getOrDefault(run, NOT_READ_YET);
  }

  private Path home() {
    return live.get()
        .map(run -> run.directory().toAbsolutePath().getParent())
        .orElse(RunCatalog.HOME.toAbsolutePath());
  }

  private List<Scene.RunRow> runs() {
    long now = System.nanoTime();
    if (now - catalogAt > CATALOG_NANOS) {
      catalogAt = now;
      Path home = home();
      Thread.ofVirtual().start(() -> catalog = RunCatalog.list(home));
    }
    String current = name.get();
    return catalog.stream()
        .map(run -> new Scene.RunRow(run.name(), run.step(), run.name().equals(current)))
        .toList();
  }

  /** The session of a run that can be steered; otherwise fails with why there is none. */
  private Session session() {
    return live.get().map(LiveRun::session).orElseThrow(() -> Failure.failed(whyNot.get()));
  }

  /** Says how something went that was asked for. */
  private <T> void told(CompletableFuture<T> future, Function<T, Optional<String>> done) {
    future.whenComplete(
        (result, error) -> {
          if (error == null) {
            done.apply(result).ifPresent(work::say);
          } else {
            work.say(BackgroundWork.reason(error));
          }
        });
  }

  @Override
  public void togglePause() {
    if (session().state() == Event.State.RUNNING) {
      pause();
    } else {
      told(session().resume(), step -> Optional.of("goes on from step " + step));
    }
  }

  @Override
  public void pause() {
    CompletableFuture<Integer> paused = session().pause();
    if (!paused.isDone()) {
      work.say("pauses when this step is over");
    }
    told(paused, step -> Optional.of("paused at step " + step + "; SPC goes on, . makes a step"));
  }

  @Override
  public void step() {
    told(session().step(1), step -> Optional.empty());
  }

  @Override
  public void checkpoint() {
    told(
        session().save(),
        saved ->
            Optional.of(
                saved.map(s -> "saved " + s.checkpoint()).orElse("this step is saved already")));
  }

  @Override
  public void sample(String prompt) {
    Session session = session();
    told(
        session.sample(
            new Run.Prompt(prompt, SAMPLE_TOKENS, session.sampling()), event -> {}, () -> false),
        step -> Optional.empty());
  }

  @Override
  public void warm(double by) {
    Session session = session();
    SamplingSettings now = session.sampling();
    double to = Math.round(Math.max(0, now.temperature() + by) * 100) / 100.0;
    if (to == now.temperature()) {
      throw Failure.failed("the temperature is 0 already: always the likeliest token");
    }
    LiveSetting.TEMPERATURE.change(session, String.valueOf(to));
    work.say("samples at temperature " + to + "; s draws one");
  }

  @Override
  public void toggleRecord() {
    Optional<Path> stopped = shell.stopRecord();
    if (stopped.isPresent()) {
      work.say("the record is in " + stopped.get());
      return;
    }
    session();
    LiveRun run = live.get().orElseThrow();
    Path file = run.directory().resolve("record-" + System.currentTimeMillis() / 1000 + ".jsonl");
    shell.startRecord(run, OutputFile.of(file, WrittenContent.RECORD, false));
    work.say("recording to " + file + "; r ends it");
  }

  @Override
  public void compareBackends() {
    if (session().state() == Event.State.RUNNING) {
      throw Failure.failed("b compares on a paused run; SPC pauses this one");
    }
    comparison.refresh();
  }

  @Override
  public void execute(String line, Consumer<List<String>> done) {
    work.begin(
        line.strip(),
        () -> {
          StringWriter text = new StringWriter();
          Shell own = shell.inDashboard(new PrintWriter(text, true));
          busy.ifPresent(Shell::cancel);
          busy = Optional.of(own);
          Script.run(own, line, false);
          List<String> lines = text.toString().lines().toList();
          if (!lines.isEmpty()) {
            done.accept(lines);
          }
        });
  }

  @Override
  public void close() {
    busy.ifPresent(Shell::cancel);
    comparison.close();
  }

  @Override
  public List<String> complete(String line) {
    return new Candidates(shell).words(line);
  }

  @Override
  public void write(Path file, boolean force, Export export) {
    work.begin(
        "writing " + file,
        () -> {
          String name = file.toString().toLowerCase(Locale.ROOT);
          if (name.endsWith(".csv")) {
            write(file, WrittenContent.SERIES_CSV, force, export.csv().getBytes(UTF_8));
          } else if (name.endsWith(".txt")) {
            write(file, WrittenContent.SCREEN, force, export.text().getBytes(UTF_8));
          } else {
            Picture.Format format = Picture.Format.of(file);
            write(file, format.content(), force, export.chart(format));
          }
          work.say("wrote " + file);
        });
  }

  private static void write(Path file, WrittenContent content, boolean force, byte[] bytes) {
    OutputFile target = OutputFile.of(file, content, force);
    if (target.isStandardOutput()) {
      throw Failure.usage("standard output is this terminal; name a file");
    }
    target.write(FileWriter.of(bytes));
  }
}
