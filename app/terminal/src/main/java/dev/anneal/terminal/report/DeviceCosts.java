package dev.anneal.terminal.report;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.ProgramCosts;
import dev.anneal.device.ProgramCosts.By;
import dev.anneal.training.StepCosts;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What a step costs a device, as {@code plan} shows it.
 *
 * @param block launches that one more transformer block adds; empty where there is only one
 * @param tokens of a step
 */
public record DeviceCosts(DeviceInfo device, StepCosts step, Optional<Integer> block, long tokens) {
  private static final String COLUMNS = "%-38s %7s %7s %5s %9s %9s%n";

  /** Commands of the ops of a kind. */
  private static final class Sums {
    private final Map<By, Integer> counts = new LinkedHashMap<>();
    private long bytes;

    private int count(By by) {
      return counts.getOrDefault(by, 0);
    }

    private void add(ProgramCosts.Command command) {
      counts.merge(command.by(), 1, Integer::sum);
      bytes += command.bytes();
    }
  }

  private Map<String, Sums> byOp() {
    Map<String, Sums> all = new LinkedHashMap<>();
    for (ProgramCosts.Command command : step.commands()) {
      all.computeIfAbsent(command.op(), op -> new Sums()).add(command);
    }
    return all;
  }

  public void print(PrintWriter out) {
    out.printf("%s: %s, %s%n%n", device.backend(), device.name(), device.details());
    out.printf(COLUMNS, "ops", "kernels", "library", "fills", "GB", "kB/token");
    byOp().forEach((op, sums) -> row(out, op, sums));
    Sums all = new Sums();
    step.commands().forEach(all::add);
    row(out, "all", all);
    out.println();
    line(out, "launches per step", step.commands().size());
    block.ifPresent(launches -> line(out, "launches per block", launches));
    line(out, "bytes moved per token", step.bytes() / tokens);
    line(out, "workspace, bytes", step.workspaceBytes());
    line(out, "copies to the device per step", step.copiesIn());
    line(out, "copies to the host per step", step.copiesOut());
    line(out, "calls of the driver per step", step.calls());
    line(out, "waits for the device per step", step.waits());
    line(out, "waits that leave the device idle", step.idleWaits());
  }

  private static void line(PrintWriter out, String what, long count) {
    out.printf(Locale.ROOT, "%-38s %,15d%n", what, count);
  }

  private void row(PrintWriter out, String op, Sums sums) {
    out.printf(
        Locale.ROOT,
        COLUMNS,
        op.replaceFirst("(\\w+)Forward \\+ \\1Backward", "$1Forward + Backward"),
        sums.count(By.KERNEL),
        sums.count(By.LIBRARY),
        sums.count(By.FILL),
        String.format(Locale.ROOT, "%.3f", sums.bytes / 1e9),
        String.format(Locale.ROOT, "%.1f", sums.bytes / 1e3 / tokens));
  }

  public ObjectNode json() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("event", "device_costs")
        .put("backend", device.backend())
        .put("device", device.name())
        .put("tokens", tokens)
        .put("launches", step.commands().size());
    block.ifPresent(launches -> node.put("launches_per_block", launches));
    node.put("kernels", step.count(By.KERNEL))
        .put("library_calls", step.count(By.LIBRARY))
        .put("fills", step.count(By.FILL))
        .put("bytes", step.bytes())
        .put("bytes_per_token", (double) step.bytes() / tokens)
        .put("workspace", step.workspaceBytes())
        .put("copies_in", step.copiesIn())
        .put("copies_out", step.copiesOut())
        .put("driver_calls", step.calls())
        .put("waits", step.waits())
        .put("idle_waits", step.idleWaits());
    ObjectNode ops = node.putObject("ops");
    byOp()
        .forEach(
            (op, sums) ->
                ops.putObject(op)
                    .put("kernels", sums.count(By.KERNEL))
                    .put("library_calls", sums.count(By.LIBRARY))
                    .put("fills", sums.count(By.FILL))
                    .put("bytes", sums.bytes));
    return node;
  }
}
