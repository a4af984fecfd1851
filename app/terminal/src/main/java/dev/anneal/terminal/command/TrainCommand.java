package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.run.Continuation;
import dev.anneal.run.LiveRun;
import dev.anneal.run.Session;
import dev.anneal.run.Until;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.config.RunTokenizer;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.EventJson;
import dev.anneal.run.log.History;
import dev.anneal.run.store.RunCatalog;
import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;
import dev.anneal.terminal.dashboard.DashboardLoop;
import dev.anneal.terminal.live.LiveControls;
import dev.anneal.terminal.live.Notices;
import dev.anneal.terminal.live.Progress;
import dev.anneal.terminal.live.ReadingNotices;
import dev.anneal.terminal.option.DataOptions;
import dev.anneal.terminal.option.ModelOptions;
import dev.anneal.terminal.option.PlacementOptions;
import dev.anneal.terminal.option.PlanOptions;
import dev.anneal.terminal.option.TrainingOptions;
import dev.anneal.terminal.report.RunSummary;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.Streams;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code train}: the main job. */
@Command(
    name = "train",
    sortOptions = false,
    description =
        "Train a GPT-2. Without options: a small one on the Java sources that the JDK has on disk,"
            + " three to four minutes on two cores. With --model, the defaults are llm.c's. At the"
            + " prompt it trains in the background.",
    footer = {
      "",
      "Examples:",
      "  anneal train",
      "  anneal train --dashboard",
      "  anneal train --data shakespeare.txt --steps 2000 --out runs/shakespeare",
      "  anneal train --model gpt2-124M --data 'shards/*.bin' --seq 64",
      "  anneal train --resume runs/shakespeare",
      "  anneal train --resume runs/shakespeare --steps 4000",
      "  anneal train --resume runs/gpt2 --data mine.txt --steps 100 --lr 3e-5 --out runs/tuned"
    })
final class TrainCommand extends ShellCommand {
  @ArgGroup(validate = false, heading = "%nModel:%n")
  private ModelOptions model = new ModelOptions();

  @ArgGroup(validate = false, heading = "%nTraining:%n")
  private TrainingOptions training = new TrainingOptions();

  @ArgGroup(validate = false, heading = "%nStep:%n")
  private PlanOptions plan = new PlanOptions();

  @ArgGroup(validate = false, heading = "%nData:%n")
  private DataOptions data = new DataOptions();

  @ArgGroup(validate = false, heading = "%nDevice:%n")
  private PlacementOptions placement = new PlacementOptions();

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "the new run's directory; runs/run-N by default")
  private Optional<Path> out = Optional.empty();

  @Option(
      names = "--resume",
      paramLabel = "DIR",
      description =
          "go on with a run, bit for bit. --steps N makes it longer, also a finished one: from here"
              + " on, the rates are those of a schedule of N steps (a constant one stays; wsd is"
              + " constant up to the last fifth; cosine and linear jump up where they had come"
              + " down). --lr is the peak from here on; the intervals, --keep, --sample-tokens and"
              + " --recompute may change; --data says where the same data is now. With --out NEW,"
              + " a new run goes on from there with the settings given, and this one stays. With"
              + " --data OTHER --out NEW, a new run begins at step 1 with the weights of this one,"
              + " moments of zero and other data: fine-tuning, with the settings of this run"
              + " where none are given")
  private Optional<Path> resume = Optional.empty();

  @Option(
      names = "--until",
      paramLabel = "CONDITION",
      description = "end early, such as 'val_loss<2.0' or 'step>=15'; the schedule stays --steps")
  private Optional<String> until = Optional.empty();

  @Option(names = "--time-limit", paramLabel = "SECONDS", description = "end early, and save")
  private Optional<Double> timeLimit = Optional.empty();

  @Option(names = "--dashboard", description = "watch it on the whole screen")
  private boolean dashboard;

  @Option(
      names = "--bg",
      description =
          "in a script: go on with the next command while it trains (at the prompt: as is)")
  private boolean background;

  @Option(
      names = "--fg",
      description = "at the prompt: follow it to its end; Ctrl-C stops following")
  private boolean foreground;

  @Option(
      names = "--paused",
      description = "begin paused, in the background; step and resume move it")
  private boolean paused;

  TrainCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    requireTogether();
    Session.Limits limits =
        new Session.Limits(
            until.map(text -> Until.parse("--until", text)), timeLimit.map(this::limit));
    LiveRun.Place place = placement.place();
    Supplier<LiveRun> begins =
        resume
            .map(from -> goesOn(RunCatalog.place(from), place, limits))
            .orElseGet(
                () -> {
                  RunConfig config = config();
                  return () -> LiveRun.begin(config, out, place, limits, reading());
                });
    boolean follow = !followsInBackground();
    shell().requireNoneGoingOn();
    shell().drop();
    LiveRun run = begins.get();
    Event.Listener listener =
        follow && !dashboard ? follower(run.history()) : new Notices(shell(), run.history());
    run.session().addListener(listener);
    shell().take(run);
    if (paused) {
      run.session().startPaused();
    } else {
      run.session().start();
    }
    if (dashboard) {
      shell().showScreen(new DashboardLoop(LiveControls.of(shell()), shell().look().glyphs()));
      shell().rawOut().print(RunSummary.of(run.history().snapshot(), shell().look()));
      out().flush();
      return run.session().end().isDone() ? exitCode(run.session().await()) : 0;
    }
    return follow ? follow(run, listener) : began(run);
  }

  /** Every option acts, or is refused. */
  private void requireTogether() {
    if (shell().use() == Shell.Use.ONCE) {
      refuse("is for scripts: -c 'train --bg; ...', where commands follow", "--bg", "--paused");
    }
    if (background && foreground) {
      throw Failure.usage("--bg and --fg: a run is followed or it is not; give one");
    }
    if (paused && foreground) {
      throw Failure.usage("--paused and --fg: nothing happens that could be followed; give one");
    }
    if (dashboard) {
      refuse("and --dashboard: the screen shows the run already; give one", "--bg", "--fg");
      if (asJson()) {
        throw Failure.usage("--json and --dashboard: the screen is no place for JSON; give one");
      }
      if (!shell().screens().available()) {
        throw Failure.usage(
            "--dashboard needs a terminal; leave it out for lines of text, or watch from another"
                + " terminal: anneal dashboard RUN");
      }
    }
  }

  /** A run that goes on, or with {@code --out} a new one that begins with its weights. */
  private Supplier<LiveRun> goesOn(Path from, LiveRun.Place place, Session.Limits limits) {
    refuse(
        "is of the weights that --resume goes on with; leave it out, or train a new run",
        Resumption.OF_THE_WEIGHTS);
    if (out.isEmpty()) {
      refuse(
          "is fixed in a run that goes on; with --out DIR, a new run goes on from there with"
              + " another value",
          Resumption.FIXED);
      Continuation differently =
          new Continuation(training.changes(), data.source, data.validation, plan.recompute);
      return () -> LiveRun.resume(from, differently, place, limits, reading());
    }
    if (out.get().toAbsolutePath().normalize().equals(from.toAbsolutePath().normalize())) {
      throw Failure.usage(
          "--out is the run of --resume; leave it out to go on with that, or name a new directory");
    }
    Path to = out.get();
    if (data.source.isPresent()) {
      return () ->
          LiveRun.beginWith(
              from,
              to,
              weights -> training.tuning(weights, plan, data.ofBranch(weights.config().data())),
              place,
              limits,
              reading());
    }
    Continuation differently =
        new Continuation(training.changes(), Optional.empty(), Optional.empty(), Optional.empty());
    return () ->
        LiveRun.branch(
            from,
            to,
            differently,
            config -> training.branch(config, plan, data.ofBranch(config.data())),
            place,
            limits,
            reading());
  }

  private List<Event.Listener> reading() {
    return List.of(new ReadingNotices(shell(), asJson(), event -> print(EventJson.write(event))));
  }

  private boolean followsInBackground() {
    return switch (shell().use()) {
      case ONCE -> false;
      case SCRIPT -> background || paused;
      case PROMPT, DASHBOARD -> !foreground || paused;
    };
  }

  private Event.Listener follower(History history) {
    Progress progress =
        new Progress(
            history,
            asJson() ? err() : out(),
            shell().rawErr(),
            Streams.errorIsTerminal() && !asJson());
    if (!asJson()) {
      return progress;
    }
    return event -> {
      print(json(event, history));
      progress.on(event);
    };
  }

  /** A step also says how long the run will take. */
  private static ObjectNode json(Event event, History history) {
    ObjectNode node = EventJson.write(event);
    if (event instanceof Event.Step) {
      history.snapshot().summary().secondsLeft().ifPresent(left -> node.put("left_s", left));
    }
    return node;
  }

  private int began(LiveRun run) {
    if (asJson()) {
      shell()
          .await(run.session().atBoundary(r -> run.history().snapshot().started()))
          .ifPresent(started -> print(EventJson.write(started)));
    } else {
      String what =
          paused
              ? "%s is paused; step, resume"
              : "%s trains in the background; status, dashboard, pause, stop";
      say(what, run.name());
    }
    return 0;
  }

  private int follow(LiveRun run, Event.Listener listener) {
    try {
      Event.Ended ended = shell().await(run.session().end());
      // What the run does from here on, other commands ask for, and tell.
      run.session().removeListener(listener);
      run.session().addListener(new Notices(shell(), run.history()));
      return exitCode(ended);
    } catch (Failure e) {
      if (e.exitCode() != ExitCode.INTERRUPTED) {
        throw e;
      }
      if (shell().use() != Shell.Use.PROMPT) {
        // The step in progress is finished and saved first.
        run.session().stop();
        run.session().await();
        return ExitCode.INTERRUPTED.code();
      }
      run.session().removeListener(listener);
      run.session().addListener(new Notices(shell(), run.history()));
      err().println();
      say("%s goes on in the background; pause or stop", run.name());
      return 0;
    }
  }

  /** The exit code of a run's end; one that failed fails. */
  static int exitCode(Event.Ended ended) {
    ended
        .failure()
        .ifPresent(
            failure -> {
              throw failure;
            });
    return ExitCode.DONE.code();
  }

  private Duration limit(double seconds) {
    return Duration.ofNanos((long) (Setting.TIME_LIMIT.real(Written.OPTION, seconds) * 1e9));
  }

  private RunConfig config() {
    RunTokenizer tokenizer = data.tokenizer(model.isNamed());
    int vocabulary = tokenizer.open().vocabularySize();
    return training.config(model, plan, data.ofNewRun(tokenizer), vocabulary);
  }
}
