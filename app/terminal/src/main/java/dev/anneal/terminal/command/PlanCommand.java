package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.failure.Failure;
import dev.anneal.model.Model;
import dev.anneal.model.ModelConfig;
import dev.anneal.plan.Op;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.plan.Tensor;
import dev.anneal.run.Devices;
import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;
import dev.anneal.terminal.option.ModelOptions;
import dev.anneal.terminal.option.OptimizerKind;
import dev.anneal.terminal.option.PlanOptions;
import dev.anneal.terminal.report.DeviceCosts;
import dev.anneal.terminal.shell.JsonOption;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.Amounts;
import dev.anneal.training.MemoryBill;
import dev.anneal.training.MemoryFloor;
import dev.anneal.training.StepCosts;
import dev.anneal.training.StepRecipe;
import dev.anneal.training.TrainingPlans;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code plan}: a training step's ops, arithmetic and memory, without allocating any. */
@Command(
    name = "plan",
    description =
        "Print the ops, the memory bill and the FLOPs of a training step, without running.",
    footer = {
      "",
      "Examples:",
      "  anneal plan --model gpt2-124M --batch 4 --seq 64",
      "  anneal plan --device-costs --backend cuda --model gpt2-124M --dtype bf16"
    })
final class PlanCommand extends ShellCommand {
  PlanCommand(Shell shell) {
    super(shell);
  }

  @Mixin private ModelOptions model;

  @Option(
      names = "--batch",
      paramLabel = "B",
      defaultValue = "4",
      description = "sequences; ${DEFAULT-VALUE} by default")
  private int batch;

  @Option(
      names = "--seq",
      paramLabel = "T",
      defaultValue = "64",
      description = "tokens per sequence; ${DEFAULT-VALUE} by default")
  private int sequence;

  @Mixin private PlanOptions options;

  @Option(
      names = "--backend",
      paramLabel = "BACKEND",
      defaultValue = "auto",
      description = "as for train; ${DEFAULT-VALUE} by default")
  private String backend;

  @Option(
      names = "--optimizer",
      paramLabel = OptimizerKind.LABEL,
      defaultValue = "adamw",
      description = OptimizerKind.DESCRIPTION)
  private OptimizerKind optimizer;

  @Option(names = "--ops", description = "list every op with its tensors")
  private boolean listOps;

  @Option(
      names = "--device-costs",
      description =
          "what a step costs a GPU in counts: kernels, calls of libraries, bytes moved, copies,"
              + " waits; no GPU need be here")
  private boolean deviceCosts;

  @Option(
      names = "--target",
      paramLabel = "NAME",
      description =
          "the GPU that --device-costs plans for, as compilers name it; the one here by default,"
              + " else sm_90 for cuda and gfx942 for hip")
  private Optional<String> target = Optional.empty();

  @Override
  public Integer call() {
    Setting.BATCH.whole(Written.OPTION, batch);
    Setting.SEQ.whole(Written.OPTION, sequence);
    options.classifierChunks.ifPresent(n -> Setting.CLASSIFIER_CHUNKS.whole(Written.OPTION, n));
    Precision precision = options.precision.orElse(Precision.FP32);
    ModelConfig sizes = model.config(model.vocabulary(), sequence);
    sizes.requireFits(sequence);
    MemoryFloor.ofTraining(sizes, optimizer.byDefault(), batch, sequence, precision)
        .requirePossible();
    Model gpt = sizes.model();
    PrintWriter out = out();
    if (deviceCosts) {
      printCosts(out, sizes, precision);
      return 0;
    }
    if (target.isPresent()) {
      throw Failure.usage("--target is for --device-costs");
    }
    try (Device device = Devices.open(backend, 0, DeviceOptions.defaults())) {
      TrainingPlans plans = plans(gpt, device, precision);
      MemoryBill bill = MemoryBill.of(plans, device);
      if (asJson()) {
        JsonOption.print(out, asJson(gpt, plans, bill));
      } else {
        print(out, gpt, plans, bill);
      }
    }
    return 0;
  }

  private TrainingPlans plans(Model gpt, Device device, Precision precision) {
    return new StepRecipe(
            gpt,
            batch,
            sequence,
            1,
            optimizer.byDefault(),
            options.recompute.orElse(Recompute.NONE),
            options.classifierChunks,
            precision)
        .on(device);
  }

  private void printCosts(PrintWriter out, ModelConfig sizes, Precision precision) {
    try (Device device = Devices.toPlan(backend, target)) {
      StepCosts step = costs(sizes, device, precision);
      Optional<Integer> block =
          sizes.layers() == 1
              ? Optional.empty()
              : Optional.of(
                  step.commands().size()
                      - costs(
                              sizes.resized(sizes.sizes().withLayers(sizes.layers() - 1)),
                              device,
                              precision)
                          .commands()
                          .size());
      DeviceCosts costs = new DeviceCosts(device.info(), step, block, (long) batch * sequence);
      if (asJson()) {
        JsonOption.print(out, costs.json());
      } else {
        out.printf(
            Locale.ROOT,
            "%s%na step of %d x %d tokens%n",
            sizes.model().description(),
            batch,
            sequence);
        costs.print(out);
      }
    }
  }

  private StepCosts costs(ModelConfig sizes, Device device, Precision precision) {
    return StepCosts.of(plans(sizes.model(), device, precision), device)
        .orElseThrow(
            () ->
                Failure.usage(
                    "--device-costs: "
                        + device.info().backend()
                        + " computes itself and is told nothing; take --backend cuda, hip or"
                        + " opencl"));
  }

  private double flopsPerToken(TrainingPlans plans) {
    return (double) plans.step().flops() / ((long) batch * sequence);
  }

  private void print(PrintWriter out, Model gpt, TrainingPlans plans, MemoryBill bill) {
    out.printf(Locale.ROOT, "%s: %,d parameters%n", gpt.description(), gpt.parameterCount());
    out.printf(
        Locale.ROOT,
        "a step of %d x %d tokens: %d ops, %sFLOP, %sFLOP per token%n%n",
        batch,
        sequence,
        plans.step().ops().size(),
        Amounts.scaled(plans.step().flops(), ""),
        Amounts.scaled(flopsPerToken(plans), ""));
    out.printf(Locale.ROOT, "%-16s %18s%n", "arena", "bytes");
    new TreeMap<>(bill.arenas())
        .forEach((arena, bytes) -> row(out, arena.name().toLowerCase(Locale.ROOT), bytes));
    row(out, "workspace", bill.workspace());
    row(out, "total", bill.total());
    out.printf(Locale.ROOT, "%n%-26s %6s %12s%n", "op", "count", "GFLOP");
    kinds(plans)
        .forEach(
            (kind, sums) ->
                out.printf(Locale.ROOT, "%-26s %6d %12.3f%n", kind, sums[0], sums[1] / 1e9));
    if (listOps) {
      out.println();
      int index = 0;
      for (Op op : plans.step().ops()) {
        out.printf(
            Locale.ROOT, "%4d %-26s %s <- %s%n", index++, op.kind(), op.writes(), op.reads());
      }
    }
  }

  private static void row(PrintWriter out, String name, long bytes) {
    out.printf(Locale.ROOT, "%-16s %,18d %12s%n", name, bytes, Amounts.bytes(bytes));
  }

  /** Per kind of op: how many, and their FLOPs. */
  private static Map<String, long[]> kinds(TrainingPlans plans) {
    Map<String, long[]> kinds = new TreeMap<>();
    for (Op op : plans.step().ops()) {
      long[] sums = kinds.computeIfAbsent(op.kind(), kind -> new long[2]);
      sums[0]++;
      sums[1] += op.flops();
    }
    return kinds;
  }

  private ObjectNode asJson(Model gpt, TrainingPlans plans, MemoryBill bill) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("event", "plan")
        .put("model", gpt.description())
        .put("parameters", gpt.parameterCount())
        .put("batch", batch)
        .put("sequence", sequence)
        .put("ops", plans.step().ops().size())
        .put("flops", plans.step().flops())
        .put("flops_per_token", flopsPerToken(plans));
    ObjectNode bytes = node.putObject("bytes");
    new TreeMap<>(bill.arenas())
        .forEach((arena, n) -> bytes.put(arena.name().toLowerCase(Locale.ROOT), n));
    bytes.put("workspace", bill.workspace()).put("total", bill.total());
    ObjectNode kinds = node.putObject("kinds");
    kinds(plans)
        .forEach((kind, sums) -> kinds.putObject(kind).put("count", sums[0]).put("flops", sums[1]));
    if (listOps) {
      ArrayNode list = node.putArray("op_list");
      for (Op op : plans.step().ops()) {
        ObjectNode one = list.addObject().put("kind", op.kind());
        names(one.putArray("writes"), op.writes());
        names(one.putArray("reads"), op.reads());
      }
    }
    return node;
  }

  private static void names(ArrayNode array, List<Tensor> tensors) {
    tensors.forEach(tensor -> array.add(tensor.name()));
  }
}
