package dev.anneal.terminal.command;

import dev.anneal.checkpoint.OutputFile;
import dev.anneal.checkpoint.WrittenContent;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.eval.Comparison;
import dev.anneal.eval.ComparisonJson;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.run.LiveRun;
import dev.anneal.run.RunPlans;
import dev.anneal.run.config.Corpus;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.log.Event;
import dev.anneal.terminal.option.BackendName;
import dev.anneal.terminal.option.ModelOptions;
import dev.anneal.terminal.option.OptimizerKind;
import dev.anneal.terminal.option.OutputOptions;
import dev.anneal.terminal.option.PlacementOptions;
import dev.anneal.terminal.report.ComparisonFile;
import dev.anneal.terminal.report.ComparisonText;
import dev.anneal.terminal.shell.Release;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.TerminalSize;
import dev.anneal.tokenizer.ByteTokenizer;
import dev.anneal.tokenizer.Gpt2Tokenizer;
import dev.anneal.training.Schedule;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code compare}: backends op by op. */
@Command(
    name = "compare",
    sortOptions = false,
    description =
        "Make the same training steps on several backends: the errors of every op against the first"
            + " one, the time of every kind of op, and MFU where the data sheet or bench tells the"
            + " device's peak. With a paused run, its own next steps are"
            + " made; it stays where it is.",
    footer = {
      "",
      "Examples:",
      "  anneal compare cpu opencl --steps 5",
      "  anneal compare cpu opencl --save mine.json --out table.md",
      "  anneal compare --load mine.json --load yours.json --out both.svg",
      "Exit code 4 when an op is beyond its tolerance."
    })
final class CompareCommand extends ShellCommand {
  private static final double LR = 3e-4;

  /** What a live run has of its own. */
  private static final String[] OF_THE_RUN = {
    "--model",
    "--layers",
    "--heads",
    "--channels",
    "--context",
    "--batch",
    "--seq",
    "--data",
    "--seed",
    "--dtype",
    "--optimizer"
  };

  private static final String[] MEASURING =
      Stream.concat(
              Stream.of(OF_THE_RUN), Stream.of("--steps", "--warmup", "--threads", "--kernel"))
          .toArray(String[]::new);

  /** Where no terminal says how much there is. */
  private static final int WIDTH = 100;

  @Parameters(
      paramLabel = "BACKEND",
      description = "at least two, the reference first; NAME:N for device N")
  private List<String> backends = List.of();

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "10",
      description = "to time; ${DEFAULT-VALUE} by default")
  private int steps;

  @Option(
      names = "--warmup",
      paramLabel = "SECONDS",
      defaultValue = "" + Comparison.Settings.WARM_UP_SECONDS,
      description =
          "of each backend before it is timed, 0 for two steps only; ${DEFAULT-VALUE} by default")
  private double warmup;

  @ArgGroup(validate = false, heading = "%nModel, when no run is live:%n")
  private ModelOptions model = new ModelOptions();

  @Option(names = "--batch", paramLabel = "B", defaultValue = "4", description = "sequences")
  private int batch;

  @Option(names = "--seq", paramLabel = "T", defaultValue = "64", description = "tokens in each")
  private int sequence;

  @Option(names = "--data", paramLabel = "FILE", description = "as for train")
  private Optional<String> data = Optional.empty();

  @Option(names = "--seed", paramLabel = "S", defaultValue = "" + RunConfig.DEFAULT_SEED)
  private long seed;

  @Option(
      names = "--dtype",
      defaultValue = "fp32",
      description =
          "of stored activations, on all but the reference, whose are rounded: fp32, tf32, bf16,"
              + " pure_bf16, fp8, fp8_hybrid, fp16;"
              + " ${DEFAULT-VALUE} by default")
  private Precision precision;

  @Option(
      names = "--optimizer",
      paramLabel = OptimizerKind.LABEL,
      defaultValue = "adamw",
      description = OptimizerKind.DESCRIPTION)
  private OptimizerKind optimizer;

  @Option(names = "--threads", paramLabel = "N", description = "of the CPU; all cores by default")
  private Optional<Integer> threads = Optional.empty();

  @Option(
      names = "--kernel",
      paramLabel = "KERNEL=vN",
      description = "a version of a kernel, on backends that have it")
  private List<String> kernels = List.of();

  @Option(names = "--save", paramLabel = "FILE", description = "keep the result, as JSON")
  private Optional<Path> save = Optional.empty();

  @Option(
      names = "--load",
      paramLabel = "FILE",
      description = "set a saved result beside this one; alone, only show those")
  private List<Path> load = List.of();

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "write the table as .md or .csv, all as .json, or a picture as .svg or .png")
  private List<Path> files = List.of();

  @Mixin private OutputOptions output;

  CompareCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    output.requireFile(save.isPresent() || !files.isEmpty());
    if (!backends.isEmpty() && shell().live().isPresent()) {
      refuse("is the live run's; leave it out", OF_THE_RUN);
    }
    PlacementOptions.requireTheCpus(
        backends.isEmpty() ? Optional.empty() : threads,
        backends.stream().map(BackendName::of).toList());
    Optional<OutputFile> saved =
        save.map(file -> output.file(shell(), file, WrittenContent.COMPARISON));
    List<Output> outputs = files.stream().map(this::output).toList();
    List<Comparison> loaded = load.stream().map(ComparisonJson::read).toList();
    Comparison whole;
    if (backends.isEmpty() && !loaded.isEmpty()) {
      refuse(
          "is for a comparison to be made, and --load shows one that was; leave it out", MEASURING);
      refuse("keeps what was just measured; --out writes what --load shows", "--save");
      whole = beside(loaded.getFirst(), loaded.subList(1, loaded.size()));
    } else {
      Comparison own = measure();
      saved.ifPresent(file -> ComparisonFile.write(file, ComparisonFile.Format.JSON, own));
      whole = beside(own, loaded);
    }
    outputs.forEach(one -> ComparisonFile.write(one.file(), one.format(), whole));
    boolean onOut =
        Stream.concat(saved.stream(), outputs.stream().map(Output::file))
            .anyMatch(OutputFile::isStandardOutput);
    if (onOut) {
      // It has the result already, in the format that was asked for.
    } else if (asJson()) {
      print(ComparisonJson.write(whole));
    } else {
      out().print(new ComparisonText(whole, width()));
      out().flush();
      save.ifPresent(file -> say("saved %s", file));
      files.forEach(file -> say("wrote %s", file));
    }
    return whole.diverged() ? ExitCode.NUMBERS.code() : 0;
  }

  private record Output(OutputFile file, ComparisonFile.Format format) {}

  private Output output(Path file) {
    ComparisonFile.Format format = ComparisonFile.Format.of(file);
    return new Output(output.file(shell(), file, format.content()), format);
  }

  private int width() {
    return shell().size().map(TerminalSize::columns).orElse(WIDTH);
  }

  private static Comparison beside(Comparison first, List<Comparison> others) {
    Comparison all = first;
    for (Comparison other : others) {
      if (!other.model().equals(first.model())
          || other.batch() != first.batch()
          || other.sequence() != first.sequence()) {
        throw Failure.usage(
            String.format(
                "cannot set %s, B=%d, T=%d beside %s, B=%d, T=%d; compare the same on both"
                    + " machines",
                other.model(),
                other.batch(),
                other.sequence(),
                first.model(),
                first.batch(),
                first.sequence()));
      }
      all = all.with(other.devices());
    }
    return all;
  }

  private Comparison measure() {
    if (backends.size() < 2) {
      throw Failure.usage(
          "compare needs two backends at least, the reference first, such as 'compare cpu opencl'");
    }
    if (steps < 1) {
      throw Failure.usage("--steps is " + steps + "; expected at least 1");
    }
    if (!(warmup >= 0 && warmup <= 3600)) {
      throw Failure.usage("--warmup is " + warmup + " seconds; expected 0 to 3600");
    }
    Optional<LiveRun> live = shell().live();
    if (live.map(run -> run.session().state() == Event.State.RUNNING).orElse(false)) {
      throw Failure.usage(live.get().name() + " is running; pause it, then compare");
    }
    List<Device> devices = new ArrayList<>();
    try {
      for (String backend : backends) {
        devices.add(LiveRun.Place.parse(backend, options(devices.isEmpty())).open());
      }
      // Not the shell's await: it returns at once when cancelled, and the devices are in use.
      Comparison comparison =
          live.map(
                  run -> LiveRun.await(run.session().atBoundary(r -> run(r.comparison(), devices))))
              .orElseGet(() -> run(newRun(), devices));
      if (shell().isCancelled()) {
        throw new Failure(ExitCode.INTERRUPTED, "cancelled");
      }
      return comparison;
    } finally {
      devices.forEach(Device::close);
    }
  }

  private Comparison.Task newRun() {
    RunConfig config = config();
    RunPlans.requirePossible(config);
    return RunPlans.comparison(config, Corpus.open(config, Optional.empty()));
  }

  /** Kernel versions are for the devices under test. */
  private DeviceOptions options(boolean reference) {
    return PlacementOptions.options(threads, reference ? List.of() : kernels);
  }

  private Comparison run(Comparison.Task task, List<Device> devices) {
    return Comparison.run(
        task,
        devices,
        new Comparison.Settings(steps, warmup, Release.VERSION),
        this::progress,
        shell()::isCancelled);
  }

  private void progress(String what) {
    if (shell().use() != Shell.Use.DASHBOARD && !asJson()) {
      err().println(what);
      err().flush();
    }
  }

  private RunConfig config() {
    boolean gpt2Tokens = model.isNamed() || data.map(d -> d.endsWith(".bin")).orElse(false);
    return new RunConfig(
        model.config(gpt2Tokens ? Gpt2Tokenizer.VOCABULARY : ByteTokenizer.VOCABULARY, sequence),
        new RunConfig.Data(data, Optional.empty(), gpt2Tokens ? "gpt2" : "byte"),
        batch,
        sequence,
        1,
        new Schedule(Schedule.Known.CONSTANT, LR, 0, steps, 1),
        optimizer.byDefault(),
        Recompute.NONE,
        precision,
        seed,
        new RunConfig.Intervals(0, 1, 0, 0, 0, 1));
  }
}
