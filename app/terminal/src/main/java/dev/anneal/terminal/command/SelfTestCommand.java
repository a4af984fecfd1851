package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.eval.selftest.Report;
import dev.anneal.eval.selftest.Report.Outcome;
import dev.anneal.eval.selftest.SelfTest;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.plan.Precision;
import dev.anneal.run.Devices;
import dev.anneal.terminal.option.PlacementOptions;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.Dashes;
import dev.anneal.training.MemoryBill;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code selftest}: whether a device computes right, all that it can compute. */
@Command(
    name = "selftest",
    description =
        "Hold a device against the CPU's numbers: every op in every version of its kernel and every"
            + " dtype, ops that are computed together, whole training steps, and the same bits when"
            + " they are made again. A line for each check when it ends: ok, WRONG, skipped or"
            + " FAILED, its name, the dtype, the largest error and its limit, milliseconds.",
    footer = {
      "",
      "Examples:",
      "  anneal selftest --backend cuda",
      "  anneal selftest --backend opencl --dtype fp32,bf16 --quick",
      "  anneal selftest attention fused_bias --backend hip",
      "Exit code 4 when a check is wrong; 3 when one failed or the backend is missing."
    })
final class SelfTestCommand extends ShellCommand {
  private static final String ROW = "%-7s  %-32s  %-10s  %-28s  %9s%s";

  SelfTestCommand(Shell shell) {
    super(shell);
  }

  @Parameters(
      paramLabel = "CHECK",
      description = "names of checks, or how they begin; all by default")
  private List<String> names = List.of();

  @Option(
      names = "--dtype",
      split = ",",
      paramLabel = "D",
      description =
          "fp32, tf32, bf16, pure_bf16, fp8, fp8_hybrid or fp16, several with commas between them;"
              + " all that the device has by default")
  private List<Precision> precisions = List.of();

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "of the random numbers; ${DEFAULT-VALUE} by default")
  private long seed;

  @Option(
      names = "--quick",
      description = "small shapes alone, for devices that are slow or emulated")
  private boolean quick;

  @Mixin private PlacementOptions placement;

  private final Map<Outcome, Integer> counts = new EnumMap<>(Outcome.class);
  private final Set<String> notes = new LinkedHashSet<>();

  @Override
  public Integer call() {
    SelfTest.Settings settings = new SelfTest.Settings(precisions, names, seed, quick);
    try (Device cpu = Devices.open("cpu", 0, placement.options().onlyThreads());
        SelfTest test = new SelfTest(cpu, placement::openBesideCpu, settings)) {
      precisions.forEach(p -> MemoryBill.requireSupported(p, test.device()));
      DeviceInfo info = test.device().info();
      if (!asJson()) {
        say("%s, %s, %s", info.backend(), info.name(), info.details());
      }
      long start = System.nanoTime();
      test.run(
          report -> {
            counts.merge(report.outcome(), 1, Integer::sum);
            row(report);
            test.device().notes().stream().filter(notes::add).forEach(this::note);
          },
          shell()::isCancelled);
      total(info, (System.nanoTime() - start) / 1e9);
    }
    if (shell().isCancelled()) {
      throw new Failure(ExitCode.INTERRUPTED, "cancelled");
    }
    if (count(Outcome.WRONG) > 0) {
      return ExitCode.NUMBERS.code();
    }
    return count(Outcome.FAILED) > 0 ? ExitCode.BACKEND.code() : ExitCode.DONE.code();
  }

  private int count(Outcome outcome) {
    return counts.getOrDefault(outcome, 0);
  }

  private void row(Report report) {
    if (asJson()) {
      print(json(report));
      return;
    }
    say(
        ROW,
        report.outcome().word(),
        report.name(),
        report.dtype(),
        report.measured().map(m -> m.text()).orElse("-"),
        String.format(Locale.ROOT, "%.1f", report.millis()),
        report.reason().map(why -> "  " + Dashes.in(why)).orElse(""));
    out().flush();
  }

  private static ObjectNode json(Report report) {
    ObjectNode node = json("check");
    node.put("name", report.name())
        .put("dtype", report.dtype())
        .put("outcome", report.outcome().word());
    report
        .measured()
        .ifPresent(
            m ->
                node.put("error", m.error())
                    .put("limit", m.limit())
                    .put("measure", m.unit().name().toLowerCase(Locale.ROOT)));
    node.put("ms", report.millis());
    report.reason().ifPresent(why -> node.put("reason", Dashes.in(why)));
    return node;
  }

  /** What the device says of itself, when it says so. */
  private void note(String text) {
    if (!asJson()) {
      say("note     %s", text);
    }
  }

  private void total(DeviceInfo info, double seconds) {
    if (asJson()) {
      ObjectNode node = json("selftest");
      node.put("backend", info.backend())
          .put("device", info.name())
          .put("details", info.details())
          .put("seed", seed);
      for (Outcome outcome : Outcome.values()) {
        node.put(outcome.name().toLowerCase(Locale.ROOT), count(outcome));
      }
      node.put("seconds", seconds);
      ArrayNode texts = node.putArray("notes");
      notes.forEach(texts::add);
      print(node);
      return;
    }
    say(
        "selftest: %d ok, %d WRONG, %d skipped, %d FAILED in %.1f s",
        count(Outcome.OK),
        count(Outcome.WRONG),
        count(Outcome.SKIPPED),
        count(Outcome.FAILED),
        seconds);
  }
}
