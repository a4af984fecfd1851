package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.KernelFamily;
import dev.anneal.eval.DataSheet;
import dev.anneal.eval.KernelBench;
import dev.anneal.eval.OpBench;
import dev.anneal.eval.Peak;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.model.Model;
import dev.anneal.model.ModelConfig;
import dev.anneal.plan.Op;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import dev.anneal.run.Devices;
import dev.anneal.setting.Nearest;
import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;
import dev.anneal.terminal.option.ModelOptions;
import dev.anneal.terminal.option.OptimizerKind;
import dev.anneal.terminal.option.PlacementOptions;
import dev.anneal.terminal.report.AlgorithmTable;
import dev.anneal.terminal.report.FittedTable;
import dev.anneal.terminal.report.VersionTable;
import dev.anneal.terminal.shell.JsonOption;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.TerminalSize;
import dev.anneal.training.Initialization;
import dev.anneal.training.KernelChoices;
import dev.anneal.training.MemoryBill;
import dev.anneal.training.MemoryFloor;
import dev.anneal.training.StepRecipe;
import dev.anneal.training.Trainer;
import dev.anneal.training.TrainingPlans;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bench}: how close each op, and the whole step, comes to the device's limit. */
@Command(
    name = "bench",
    description =
        "Check every version of every kernel against the CPU and time it, then every distinct op of"
            + " a training step, and the step, all against the device's limits: its best matrix"
            + " product and its memory bandwidth, measured in the same run. The fastest correct"
            + " versions are used from then on. Last come the products by a vendor's library: how"
            + " many of its algorithms were tried, and what that gained over its own first choice"
            + " (ANNEAL_PRODUCT_TRIALS=off tries none, all also small products).",
    footer = {
      "",
      "Examples:",
      "  anneal bench MatmulForward --model gpt2-124M --batch 4 --seq 64",
      "  anneal bench layernorm_forward --backend opencl --dtype bf16",
      "Exit code 4 when a version is wrong."
    })
final class BenchCommand extends ShellCommand {
  BenchCommand(Shell shell) {
    super(shell);
  }

  private static final List<FittedTable.Column> COLUMNS =
      List.of(
          FittedTable.Column.text("op", 26, 0),
          FittedTable.Column.text("shapes", 34, 3),
          FittedTable.Column.number("count", 5, 6),
          FittedTable.Column.number("ms", 9, 0),
          FittedTable.Column.number("+-", 4, 5),
          FittedTable.Column.number("GFLOP/s", 9, 2),
          FittedTable.Column.number("GB/s", 7, 4),
          FittedTable.Column.number("limit", 5, 1));

  private static final int WARMUP_STEPS = 8;
  private static final int STEPS = 11;

  @Mixin private ModelOptions model;

  @Parameters(
      arity = "0..1",
      paramLabel = "KERNEL",
      description = "a kernel, or a kind of op; all, and the step, by default")
  private Optional<String> kind = Optional.empty();

  @Option(
      names = "--batch",
      paramLabel = "B",
      defaultValue = "4",
      description = "${DEFAULT-VALUE} by default")
  private int batch;

  @Option(
      names = "--seq",
      paramLabel = "T",
      defaultValue = "64",
      description = "${DEFAULT-VALUE} by default")
  private int sequence;

  @Option(
      names = "--dtype",
      paramLabel = "D",
      defaultValue = "fp32",
      description =
          "fp32, tf32, bf16, pure_bf16, fp8, fp8_hybrid or fp16; ${DEFAULT-VALUE} by default")
  private Precision precision;

  @Option(
      names = "--optimizer",
      paramLabel = OptimizerKind.LABEL,
      defaultValue = "adamw",
      description = OptimizerKind.DESCRIPTION)
  private OptimizerKind optimizer;

  @Option(
      names = "--ops",
      description = "the ops and the step alone, with the versions that training would use")
  private boolean opsAlone;

  @Mixin private PlacementOptions placement;

  @Override
  public Integer call() {
    Setting.BATCH.whole(Written.OPTION, batch);
    Setting.SEQ.whole(Written.OPTION, sequence);
    ModelConfig sizes = model.config(model.vocabulary(), sequence);
    sizes.requireFits(sequence);
    PrintWriter out = out();
    DeviceOptions opening = placement.options();
    try (Device device = placement.openBesideCpu()) {
      MemoryBill.requireSupported(precision, device);
      MemoryFloor.ofTraining(sizes, optimizer.byDefault(), batch, sequence, precision)
          .requireFits(device);
      Model gpt = sizes.model();
      StepRecipe options =
          new StepRecipe(gpt, batch, sequence, precision).with(optimizer.byDefault());
      TrainingPlans plans = options.on(device);
      boolean ofVersions = !device.kernels().isEmpty() && !opsAlone;
      if (!ofVersions) {
        requireKind(plans);
      }
      OpBench bench = new OpBench(device, precision.multiplication());
      OpBench.Limits limits = bench.limits(precision.storage());
      if (precision.eightBits().isEmpty()) {
        // Products of 8 bits are not what was measured.
        Peak.keep(name(device), precision, limits.gigaflops() * 1e9);
      }
      header(out, device, opening, gpt, limits);
      int code = 0;
      if (ofVersions) {
        code = versions(device, options, plans, limits) ? 0 : ExitCode.NUMBERS.code();
        if (kind.isPresent()) {
          AlgorithmTable.say(this, device.productAlgorithms(), width());
          return code;
        }
      }
      opHeader(out);
      OpBench.distinct(plans.step().ops())
          .forEach(
              (op, count) -> {
                if (kind.map(op.kind()::equalsIgnoreCase).orElse(true)) {
                  row(out, bench.time(op), count, limits);
                }
              });
      if (kind.isEmpty()) {
        step(out, device, gpt, plans, limits);
      }
      AlgorithmTable.say(this, device.productAlgorithms(), width());
      return code;
    }
  }

  /** The kernels that a step uses: others have nothing to be timed on. */
  private static List<KernelFamily> ofStep(TrainingPlans plans, Device device) {
    return device.kernels().stream()
        .filter(family -> OpBench.parts(plans.step()).stream().anyMatch(family.op()::isInstance))
        .toList();
  }

  /** Every version of the device's kernels; the fastest correct ones are used from now on. */
  private boolean versions(
      Device device, StepRecipe step, TrainingPlans plans, OpBench.Limits limits) {
    try (Device cpu = Devices.open("cpu", 0, placement.options().onlyThreads())) {
      KernelBench bench = new KernelBench(cpu, device);
      List<KernelFamily> families =
          kind.map(name -> List.of(bench.family(name))).orElseGet(() -> ofStep(plans, device));
      VersionTable table = new VersionTable(this, width());
      List<KernelBench.Version> measured = new ArrayList<>();
      bench.run(
          families,
          step,
          limits,
          version -> {
            measured.add(version);
            table.row(version);
          },
          shell()::isCancelled);
      Map<String, Integer> fastest = KernelBench.fastest(measured);
      KernelChoices.putAside().ifPresent(this::warn);
      KernelChoices.keep(device.info(), device.kernels(), step, fastest);
      device.chooseKernels(fastest);
      table.chosen(fastest);
      return measured.stream().allMatch(v -> v.correct() || v.refusal().isPresent());
    }
  }

  private void requireKind(TrainingPlans plans) {
    TreeSet<String> kinds = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
    plans.step().ops().forEach(op -> kinds.add(op.kind()));
    if (kind.isPresent() && !kinds.contains(kind.get())) {
      throw Failure.usage(
          "no op of this step is named " + kind.get() + Nearest.among(kind.get(), kinds));
    }
  }

  private static String name(Device device) {
    return device.info().name() + ", " + device.info().details();
  }

  private void header(
      PrintWriter out, Device device, DeviceOptions options, Model gpt, OpBench.Limits limits) {
    Optional<DataSheet> sheet = DataSheet.of(device.info().name());
    if (asJson()) {
      ObjectNode node = JsonNodeFactory.instance.objectNode();
      node.put("event", "limits")
          .put("backend", device.info().backend())
          .put("device", device.info().name())
          .put("threads", options.threads())
          .put("gflops", limits.gigaflops())
          .put("gbytes_per_s", limits.gigabytes())
          .put("dtype", precision.name().toLowerCase(Locale.ROOT));
      sheet.ifPresent(
          s -> {
            s.flops(precision).ifPresent(f -> node.put("sheet_gflops", f / 1e9));
            node.put("sheet_gbytes_per_s", s.gigabytes());
          });
      JsonOption.print(out, node);
      return;
    }
    sayWrapped(
        String.format(
            Locale.ROOT,
            "%s, %d threads; %s, B=%d, T=%d, %s",
            name(device),
            options.threads(),
            gpt.description(),
            batch,
            sequence,
            precision.name().toLowerCase(Locale.ROOT)),
        2);
    sayWrapped(
        String.format(
            Locale.ROOT,
            "limits measured here: %.0f GFLOP/s (matrix product), %.1f GB/s (sum of arrays)",
            limits.gigaflops(),
            limits.gigabytes()),
        2);
    sheet.ifPresent(
        s ->
            sayWrapped(
                String.format(
                    Locale.ROOT,
                    "the data sheet has %s%.0f GB/s",
                    s.flops(precision)
                        .map(f -> String.format(Locale.ROOT, "%.0f GFLOP/s, ", f / 1e9))
                        .orElse(""),
                    s.gigabytes()),
                2));
    out.println();
    out.flush();
  }

  /** Of a row; empty where the output is no terminal. */
  private Optional<Integer> width() {
    return shell().size().map(TerminalSize::columns);
  }

  private FittedTable table() {
    return new FittedTable(COLUMNS, width());
  }

  private void opHeader(PrintWriter out) {
    if (!asJson()) {
      out.println(table().head());
      out.flush();
    }
  }

  private void row(PrintWriter out, OpBench.Timing timing, int count, OpBench.Limits limits) {
    Op op = timing.op();
    double share = limits.nanos(op) / timing.nanos();
    if (asJson()) {
      ObjectNode node = JsonNodeFactory.instance.objectNode();
      node.put("event", "bench")
          .put("op", op.kind())
          .put("shapes", shapes(op))
          .put("count", count)
          .put("ms", timing.nanos() / 1e6)
          .put("spread", timing.spread())
          .put("gflops", timing.gigaflops())
          .put("gbytes_per_s", timing.gigabytes())
          .put("share_of_limit", share);
      JsonOption.print(out, node);
      return;
    }
    out.println(
        table()
            .row(
                List.of(
                    op.kind(),
                    shapes(op),
                    "" + count,
                    number("%.3f", timing.nanos() / 1e6),
                    number("%.0f%%", 100 * timing.spread()),
                    number("%.1f", timing.gigaflops()),
                    number("%.1f", timing.gigabytes()),
                    number("%.0f%%", 100 * share))));
    out.flush();
  }

  private static String number(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }

  private static String shapes(Op op) {
    if (op instanceof Op.GlobalNorm norm) {
      return norm.gradients().size() + " gradients";
    }
    List<Tensor> tensors = op.tensors();
    return tensors.stream()
        .limit(3)
        .map(Tensor::shape)
        .map(Shape::toString)
        .map(text -> text.replace(" ", ""))
        .reduce((a, b) -> a + " " + b)
        .orElse("");
  }

  private void step(
      PrintWriter out, Device device, Model gpt, TrainingPlans plans, OpBench.Limits limits) {
    double[] nanos = new double[STEPS];
    try (Trainer trainer = new Trainer(device, plans, optimizer.byDefault())) {
      Initialization.initialize(trainer, gpt, 1);
      Trainer.Batches batches =
          (index, tokens, targets) -> {
            for (int i = 0; i < tokens.length; i++) {
              tokens[i] = (int) ((i * 7919L + index) % gpt.vocabulary());
              targets[i] = (int) ((i * 104729L + index) % gpt.vocabulary());
            }
          };
      for (int i = -WARMUP_STEPS; i < STEPS; i++) {
        long start = System.nanoTime();
        trainer.step(batches, i + WARMUP_STEPS, i + WARMUP_STEPS + 1, 1e-4);
        if (i >= 0) {
          nanos[i] = System.nanoTime() - start;
        }
      }
    }
    Arrays.sort(nanos);
    double median = nanos[STEPS / 2];
    double least = leastNanos(plans, limits);
    Optional<Peak> peak = Peak.of(name(device), precision);
    if (asJson()) {
      ObjectNode node = JsonNodeFactory.instance.objectNode();
      node.put("event", "bench_step")
          .put("ms", median / 1e6)
          .put("ms_q1", nanos[STEPS / 4] / 1e6)
          .put("ms_q3", nanos[STEPS - 1 - STEPS / 4] / 1e6)
          .put("gflops", plans.step().flops() / median)
          .put("share_of_limit", least / median);
      peak.ifPresent(
          p ->
              node.put("mfu", plans.step().flops() / median * 1e9 / p.flops())
                  .put("mfu_of", p.source().word()));
      JsonOption.print(out, node);
    } else {
      out.println();
      sayWrapped(
          String.format(
              Locale.ROOT,
              "step: %.1f ms (middle half %.1f..%.1f), %.0f GFLOP/s, %.0f tokens/s, %.0f%% of the"
                  + " limit (products at the best rate, optimizer at the bandwidth: %.1f ms)%s",
              median / 1e6,
              nanos[STEPS / 4] / 1e6,
              nanos[STEPS - 1 - STEPS / 4] / 1e6,
              plans.step().flops() / median,
              (double) batch * sequence / median * 1e9,
              100 * least / median,
              least / 1e6,
              peak.map(p -> "; MFU " + p.share(plans.step().flops() / median * 1e9)).orElse("")),
          2);
    }
    out.flush();
  }

  /** Matrix products at the device's best rate, plus the optimizer's bytes at its bandwidth. */
  private static double leastNanos(TrainingPlans plans, OpBench.Limits limits) {
    double nanos = 0;
    for (Op op : plans.step().ops()) {
      if (op.arithmetic().isProduct()) {
        nanos += op.flops() / limits.gigaflops();
      } else if (op instanceof Op.Update) {
        nanos += limits.nanos(op);
      }
    }
    return nanos;
  }
}
