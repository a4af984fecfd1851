package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.data.Documents;
import dev.anneal.data.TextRules;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.model.GptConfig;
import dev.anneal.session.Event;
import dev.anneal.session.EventJson;
import dev.anneal.session.History;
import dev.anneal.session.LiveRun;
import dev.anneal.session.RunConfig;
import dev.anneal.session.Session;
import dev.anneal.session.Until;
import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;
import dev.anneal.terminal.dashboard.DashboardLoop;
import dev.anneal.terminal.text.Streams;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code train}: the main job. */
@Command(
    name = "train",
    sortOptions = false,
    description =
        "Train a GPT-2. Without options: a small one on the Java sources that the JDK has on disk,"
            + " about three minutes on two cores. With --model, the defaults are llm.c's. At the"
            + " prompt it trains in the background.",
    footer = {
      "",
      "Examples:",
      "  anneal train",
      "  anneal train --dashboard",
      "  anneal train --data shakespeare.txt --steps 2000 --out runs/shakespeare",
      "  anneal train --model gpt2-124M --data 'shards/*.bin' --batch 4 --seq 64 --steps 100",
      "  anneal train --resume runs/shakespeare"
    })
final class TrainCommand extends ShellCommand {
  @ArgGroup(validate = false, heading = "%nModel:%n")
  private ModelOptions model = new ModelOptions();

  @ArgGroup(validate = false, heading = "%nTraining:%n")
  private TrainingOptions training = new TrainingOptions();

  @ArgGroup(validate = false, heading = "%nStep:%n")
  private PlanOptions plan = new PlanOptions();

  @Option(
      names = "--data",
      paramLabel = "FILE",
      description =
          "text, .jsonl or .json with a text field, any of them in .gz, a folder of them, a pattern"
              + " in quotes, or llm.c token shards (.bin)")
  private Optional<String> data = Optional.empty();

  @Option(
      names = "--val-data",
      paramLabel = "FILE",
      description = "what to validate on, of the same kinds; a part of --data by default")
  private Optional<String> validationData = Optional.empty();

  @Option(
      names = "--documents",
      paramLabel = "HOW",
      description =
          "what of a text is one document: file (the default), blank-line, line, or the text"
              + " between two, such as '<|endoftext|>'")
  private Optional<String> documents = Optional.empty();

  @Option(
      names = "--text-field",
      paramLabel = "NAME",
      description = "of .jsonl and .json records; " + TextRules.DEFAULT_FIELD + " by default")
  private Optional<String> textField = Optional.empty();

  @Option(names = "--tokenizer", description = "byte or gpt2")
  private Optional<String> tokenizer = Optional.empty();

  @ArgGroup(validate = false, heading = "%nDevice:%n")
  private PlacementOptions placement = new PlacementOptions();

  @Option(names = "--out", paramLabel = "DIR", description = "runs/run-N by default")
  private Optional<Path> out = Optional.empty();

  @Option(names = "--resume", paramLabel = "DIR", description = "go on with a run, bit for bit")
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
    if ((background || paused) && shell().use() == Shell.Use.ONCE) {
      throw Failure.usage(
          (background ? "--bg" : "--paused")
              + " is for scripts: -c 'train --bg; ...', where commands follow");
    }
    Session.Limits limits =
        new Session.Limits(
            until.map(text -> Until.parse("--until", text)), timeLimit.map(this::limit));
    LiveRun.Place place = placement.place();
    boolean follow = !followsInBackground();
    shell().requireNoneGoingOn();
    shell().drop();
    LiveRun run =
        resume
            .map(directory -> LiveRun.resume(directory, place, limits, List.of()))
            .orElseGet(() -> LiveRun.begin(config(), out, place, limits, List.of()));
    Event.Listener listener =
        follow && !dashboard ? follower(run.history()) : new Notices(shell(), run.history());
    run.session().addListener(listener);
    shell().take(run);
    if (paused) {
      run.session().startPaused();
    } else {
      run.session().start();
    }
    if (dashboard && shell().screens().available()) {
      shell().showScreen(new DashboardLoop(LiveControls.of(shell()), shell().look().glyphs()));
      shell().rawOut().print(RunSummary.of(run.history().snapshot(), shell().look()));
      out().flush();
      return run.session().end().isDone() ? exitCode(run.session().await()) : 0;
    }
    return follow ? follow(run, listener) : began(run);
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
    return switch (ended.outcome()) {
      case COMPLETED, TARGET, TIME_LIMIT, STOPPED -> ExitCode.DONE.code();
      case NOT_FINITE -> throw new Failure(ExitCode.NUMBERS, ended.error().orElse("not finite"));
      case DEVICE_LOST -> throw new Failure(ExitCode.BACKEND, ended.error().orElse("device lost"));
      case FAILED -> throw Failure.failed(ended.error().orElse("the run failed"));
    };
  }

  private Duration limit(double seconds) {
    return Duration.ofNanos((long) (Setting.TIME_LIMIT.real(Written.OPTION, seconds) * 1e9));
  }

  private RunConfig config() {
    boolean shards = data.map(name -> name.endsWith(".bin")).orElse(false);
    boolean gpt2Tokens = tokenizer.map("gpt2"::equals).orElse(shards || model.isNamed());
    TextRules text =
        new TextRules(
            documents.map(Documents::parse).orElse(TextRules.DEFAULT.documents()),
            textField.orElse(TextRules.DEFAULT_FIELD));
    RunConfig.Data source =
        new RunConfig.Data(
            data,
            validationData,
            tokenizer.orElse(gpt2Tokens ? "gpt2" : "byte"),
            Optional.of(text));
    int vocabulary = gpt2Tokens ? GptConfig.GPT2_VOCABULARY : 256;
    return training.config(model, plan, source, vocabulary);
  }
}
