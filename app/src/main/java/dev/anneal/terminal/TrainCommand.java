package dev.anneal.terminal;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.model.GptConfig;
import dev.anneal.session.Checkpoints;
import dev.anneal.session.Corpus;
import dev.anneal.session.Devices;
import dev.anneal.session.Event;
import dev.anneal.session.EventJson;
import dev.anneal.session.Run;
import dev.anneal.session.RunConfig;
import dev.anneal.session.RunDirectory;
import dev.anneal.session.RunLog;
import dev.anneal.session.Session;
import dev.anneal.session.Until;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code train}: the main job. */
@Command(
    name = "train",
    sortOptions = false,
    description = {
      "Train a GPT-2. Without options: a small one on the Java sources that the JDK has on disk,",
      "about three minutes on two cores. With --model, the defaults are llm.c's."
    },
    footer = {
      "",
      "Examples:",
      "  anneal train",
      "  anneal train --data shakespeare.txt --steps 2000 --out runs/shakespeare",
      "  anneal train --model gpt2-124M --data 'shards/*.bin' --batch 4 --seq 64 --steps 100",
      "  anneal train --resume runs/shakespeare"
    })
final class TrainCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @ArgGroup(validate = false, heading = "%nModel:%n")
  private ModelOptions model = new ModelOptions();

  @ArgGroup(validate = false, heading = "%nTraining:%n")
  private TrainingOptions training = new TrainingOptions();

  @Option(
      names = "--data",
      paramLabel = "FILE",
      description = "UTF-8 text, or llm.c token shards (.bin; a pattern for several)")
  private Optional<String> data = Optional.empty();

  @Option(names = "--val-data", paramLabel = "FILE", description = "token shards for validation")
  private Optional<String> validationData = Optional.empty();

  @Option(names = "--tokenizer", description = "byte or gpt2")
  private Optional<String> tokenizer = Optional.empty();

  @Option(names = "--backend", defaultValue = "cpu", description = "${DEFAULT-VALUE} by default")
  private String backend;

  @Option(names = "--device", defaultValue = "0", description = "${DEFAULT-VALUE} by default")
  private int device;

  @Option(names = "--threads", paramLabel = "N", description = "all cores by default")
  private Optional<Integer> threads = Optional.empty();

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

  @Mixin private JsonOption json;

  @Option(names = "--help", usageHelp = true, description = "show this")
  private boolean help;

  @Override
  public Integer call() {
    Session.Limits limits = new Session.Limits(until.map(Until::parse), timeLimit.map(this::limit));
    DeviceOptions options = threads.map(DeviceOptions::threads).orElseGet(DeviceOptions::defaults);
    try (Device opened = Devices.open(backend, device, options)) {
      if (resume.isPresent()) {
        RunDirectory directory = RunDirectory.open(resume.get());
        Checkpoints.Saved checkpoint = directory.newest();
        RunConfig config = checkpoint.config();
        Corpus corpus = Corpus.open(config, checkpoint.corpusFingerprint());
        return train(Run.resume(config, corpus, opened, directory, checkpoint), directory, limits);
      }
      RunConfig config = config();
      Corpus corpus = Corpus.open(config, Optional.empty());
      RunDirectory directory =
          out.map(RunDirectory::create).orElseGet(() -> RunDirectory.next(Path.of("runs")));
      return train(Run.begin(config, corpus, opened, Optional.of(directory)), directory, limits);
    }
  }

  private Duration limit(double seconds) {
    if (!(seconds > 0) || seconds > 1e9) {
      throw Failure.usage("--time-limit is " + seconds + "; expected a positive number of seconds");
    }
    return Duration.ofNanos((long) (seconds * 1e9));
  }

  private RunConfig config() {
    boolean shards = data.map(name -> name.endsWith(".bin")).orElse(false);
    boolean gpt2Tokens = tokenizer.map("gpt2"::equals).orElse(shards || model.isNamed());
    RunConfig.Data source =
        new RunConfig.Data(data, validationData, tokenizer.orElse(gpt2Tokens ? "gpt2" : "byte"));
    int vocabulary = gpt2Tokens ? GptConfig.GPT2_VOCABULARY : 256;
    return training.config(model, source, vocabulary);
  }

  private int train(Run run, RunDirectory directory, Session.Limits limits) {
    PrintWriter stdout = spec.commandLine().getOut();
    PrintWriter stderr = spec.commandLine().getErr();
    List<Event.Listener> listeners = new ArrayList<>();
    if (json.isSet()) {
      listeners.add(event -> JsonOption.print(stdout, EventJson.write(event)));
    }
    listeners.add(
        new Progress(
            json.isSet() ? stderr : stdout, stderr, Streams.errorIsTerminal() && !json.isSet()));
    try (RunLog log = new RunLog(directory.path())) {
      listeners.add(log);
      try (Session session = new Session(run, limits, listeners);
          Interrupts interrupts = Interrupts.handle(session::stop)) {
        session.start();
        Event.Ended ended = session.await();
        return switch (ended.outcome()) {
          case COMPLETED, TARGET, TIME_LIMIT -> ExitCode.DONE.code();
          case STOPPED -> interrupts.exitCode().orElse(ExitCode.DONE).code();
          case NOT_FINITE ->
              throw new Failure(ExitCode.NUMBERS, ended.error().orElse("not finite"));
          case FAILED -> throw Failure.failed(ended.error().orElse("the run failed"));
        };
      }
    }
  }
}
