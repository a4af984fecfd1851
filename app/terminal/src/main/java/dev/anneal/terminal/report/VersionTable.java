package dev.anneal.terminal.report;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.eval.KernelBench;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.Dashes;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Versions of kernels as a table, a row when it is measured. */
public final class VersionTable {
  private static final List<FittedTable.Column> COLUMNS =
      List.of(
          FittedTable.Column.text("kernel", 30, 0),
          FittedTable.Column.text("correct", 7, 0),
          FittedTable.Column.text("largest error", 16, 3),
          FittedTable.Column.number("ms", 9, 0),
          FittedTable.Column.number("+-", 5, 4),
          FittedTable.Column.number("GFLOP/s", 9, 5),
          FittedTable.Column.number("GB/s", 8, 6),
          FittedTable.Column.number("limit", 5, 2),
          FittedTable.Column.text("idea", 80, 7));

  private final ShellCommand command;
  private final FittedTable table;

  /**
   * @param room for a row, in columns; empty where nobody says how many
   */
  public VersionTable(ShellCommand command, Optional<Integer> room) {
    this.command = command;
    this.table = new FittedTable(COLUMNS, room);
    if (!command.asJson()) {
      command.say("%s", table.head());
    }
  }

  public void row(KernelBench.Version v) {
    String name = v.family().name() + " v" + v.number();
    String idea = v.family().ideas().get(v.number() - 1);
    if (command.asJson()) {
      command.print(json(v));
    } else if (v.refusal().isPresent()) {
      command.sayWrapped(name + " refused: " + Dashes.in(v.refusal().get()), 2);
    } else {
      command.say(
          "%s",
          table.row(
              List.of(
                  name,
                  v.correct() ? "yes" : "WRONG",
                  v.tolerance().describe(v.error()),
                  number("%.3f", v.nanos() / 1e6),
                  number("%.0f%%", 100 * v.spread()),
                  number("%.1f", v.flops() / v.nanos()),
                  number("%.1f", v.bytes() / v.nanos()),
                  number("%.0f%%", 100 * v.limit() / v.nanos()),
                  idea)));
    }
  }

  private static String number(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }

  private static ObjectNode json(KernelBench.Version v) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("event", "kernel")
        .put("kernel", v.family().name())
        .put("version", v.number())
        .put("correct", v.correct());
    v.refusal().ifPresent(reason -> node.put("refused", Dashes.in(reason)));
    if (v.refusal().isEmpty()) {
      node.put("error", v.error())
          .put("tolerance", v.tolerance().limit())
          .put("measure", v.tolerance().elementwise() ? "ulps" : "relative")
          .put("ms", v.nanos() / 1e6)
          .put("spread", v.spread())
          .put("gflops", v.flops() / v.nanos())
          .put("gbytes_per_s", v.bytes() / v.nanos())
          .put("share_of_limit", v.limit() / v.nanos());
      v.step().ifPresent(step -> node.put("step_ms", step.nanos() / 1e6));
    }
    return node;
  }

  /** The versions that are used from now on. */
  public void chosen(Map<String, Integer> fastest) {
    if (command.asJson()) {
      ObjectNode node = JsonNodeFactory.instance.objectNode().put("event", "kernels_chosen");
      ObjectNode kernels = node.putObject("kernels");
      fastest.forEach(kernels::put);
      command.print(node);
      return;
    }
    StringBuilder text = new StringBuilder();
    fastest.forEach(
        (name, version) ->
            text.append(
                String.format(Locale.ROOT, "%s%s=v%d", text.isEmpty() ? "" : ", ", name, version)));
    command.say("");
    command.sayWrapped("the fastest correct ones are used for such steps from now on: " + text, 2);
    command.say("");
  }
}
