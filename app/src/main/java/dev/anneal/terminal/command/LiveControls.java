package dev.anneal.terminal.command;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.anneal.checkpoint.FileWriter;
import dev.anneal.checkpoint.OutputFile;
import dev.anneal.checkpoint.WrittenContent;
import dev.anneal.failure.Failure;
import dev.anneal.generation.SamplingSettings;
import dev.anneal.session.Event;
import dev.anneal.session.History;
import dev.anneal.session.LiveRun;
import dev.anneal.session.LiveSetting;
import dev.anneal.session.Metric;
import dev.anneal.session.Run;
import dev.anneal.session.RunCatalog;
import dev.anneal.session.Session;
import dev.anneal.terminal.dashboard.Controls;
import dev.anneal.terminal.dashboard.Scene;
import dev.anneal.terminal.plot.Picture;
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
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** A dashboard's hold on the shell's run, or on the history of one that is elsewhere. */
final class LiveControls implements Controls {
  private static final int SAMPLE_TOKENS = 200;
  private static final long CATALOG_NANOS = 3_000_000_000L;

  private final Shell shell;
  private final Supplier<Optional<LiveRun>> live;
  private final Supplier<History> history;
  private final Supplier<String> name;
  private final Map<String, History> others = new ConcurrentHashMap<>();
  private final SystemUseMeter meter = new SystemUseMeter();
  private final BackendComparison comparison;
  private volatile Optional<Shell> busy = Optional.empty();
  private List<RunCatalog.Entry> catalog = List.of();
  private long catalogAt = Long.MIN_VALUE / 2;

  private LiveControls(
      Shell shell,
      Supplier<Optional<LiveRun>> live,
      Supplier<History> history,
      Supplier<String> name) {
    this.shell = shell;
    this.live = live;
    this.history = history;
    this.name = name;
    this.comparison = new BackendComparison(live);
    comparison.look();
  }

  /** The shell's live run, whichever that is: a command can put another in its place. */
  static LiveControls of(Shell shell) {
    History none = new History();
    return new LiveControls(
        shell,
        shell::live,
        () -> shell.live().map(LiveRun::history).orElse(none),
        () -> shell.live().map(LiveRun::name).orElse("no run"));
  }

  /** A run that cannot be steered from here. */
  static LiveControls of(Shell shell, History history, String name) {
    return new LiveControls(shell, Optional::empty, () -> history, () -> name);
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
        DeviceLimits.flops(run.started().map(Event.Started::device).orElse("")),
        shell.recording().isPresent(),
        ZoneId.systemDefault());
  }

  private History other(String run) {
    return others.computeIfAbsent(run, r -> History.read(home().resolve(r)));
  }

  private Path home() {
    return live.get()
        .map(run -> run.directory().toAbsolutePath().getParent())
        .orElse(RunCatalog.HOME.toAbsolutePath());
  }

  private List<Scene.RunRow> runs() {
    long now = System.nanoTime();
    if (now - catalogAt > CATALOG_NANOS) {
      catalog = RunCatalog.list(home());
      catalogAt = now;
    }
    String current = name.get();
    return catalog.stream()
        .map(run -> new Scene.RunRow(run.name(), run.step(), run.name().equals(current)))
        .toList();
  }

  private void withSession(Consumer<Session> action) {
    live.get().ifPresent(run -> action.accept(run.session()));
  }

  @Override
  public void togglePause() {
    withSession(
        session -> {
          if (session.state() == Event.State.RUNNING) {
            session.pause();
          } else {
            session.resume().exceptionally(this::tell);
          }
        });
  }

  @Override
  public void pause() {
    withSession(Session::pause);
  }

  @Override
  public void step() {
    withSession(session -> session.step(1).exceptionally(this::tell));
  }

  @Override
  public void checkpoint() {
    withSession(session -> session.save());
  }

  /** What failed without a place to say so becomes a line of the event log. */
  private <T> T tell(Throwable error) {
    String message = error.getMessage();
    history.get().on(new Event.Warning(message == null ? error.toString() : message));
    throw error instanceof RuntimeException e ? e : new IllegalStateException(error);
  }

  @Override
  public void sample(String prompt) {
    withSession(
        session ->
            session
                .sample(
                    new Run.Prompt(prompt, SAMPLE_TOKENS, session.sampling()),
                    event -> {},
                    () -> false)
                .exceptionally(this::tell));
  }

  @Override
  public void warm(double by) {
    withSession(
        session -> {
          SamplingSettings now = session.sampling();
          double to = Math.round(Math.max(0, now.temperature() + by) * 100) / 100.0;
          LiveSetting.TEMPERATURE.change(session, String.valueOf(to));
        });
  }

  @Override
  public void toggleRecord() {
    if (shell.stopRecord().isPresent()) {
      return;
    }
    live.get()
        .ifPresent(
            run ->
                shell.startRecord(
                    run,
                    OutputFile.of(
                        run.directory()
                            .resolve("record-" + System.currentTimeMillis() / 1000 + ".jsonl"),
                        WrittenContent.RECORD,
                        false)));
  }

  @Override
  public void compareBackends() {
    comparison.refresh();
  }

  @Override
  public void execute(String line, Consumer<List<String>> done) {
    Thread.ofPlatform()
        .daemon()
        .name("anneal-dashboard-command")
        .start(
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
  public String write(Path file, boolean force, Export export) {
    String name = file.toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(".csv")) {
      write(file, WrittenContent.SERIES_CSV, force, export.csv().getBytes(UTF_8));
    } else if (name.endsWith(".txt")) {
      write(file, WrittenContent.SCREEN, force, export.text().getBytes(UTF_8));
    } else {
      Picture.Format format = Picture.Format.of(file);
      write(file, format.content(), force, export.chart(format));
    }
    return "wrote " + file;
  }

  private static void write(Path file, WrittenContent content, boolean force, byte[] bytes) {
    OutputFile target = OutputFile.of(file, content, force);
    if (target.isStandardOutput()) {
      throw Failure.usage("standard output is this terminal; name a file");
    }
    target.write(FileWriter.of(bytes));
  }
}
