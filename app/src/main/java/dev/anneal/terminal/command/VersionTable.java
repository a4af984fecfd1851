package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.eval.KernelBench;
import java.util.Locale;
import java.util.Map;

/** Versions of kernels as a table, a row when it is measured. */
final class VersionTable {
  private final ShellCommand command;

  VersionTable(ShellCommand command) {
    this.command = command;
    if (!command.asJson()) {
      command.say(
          "%-27s %-9s %-16s %9s %6s %9s %8s %7s  %s",
          "kernel", "correct", "largest error", "ms", "+-", "GFLOP/s", "GB/s", "limit", "idea");
    }
  }

  void row(KernelBench.Version v) {
    String name = v.family().name() + " v" + v.number();
    String idea = v.family().ideas().get(v.number() - 1);
    if (command.asJson()) {
      command.print(json(v));
    } else if (v.refusal().isPresent()) {
      command.say("%-27s %-9s %s", name, "refused", v.refusal().get());
    } else {
      command.say(
          "%-27s %-9s %-16s %9.3f %5.0f%% %9.1f %8.1f %6.0f%%  %s",
          name,
          v.correct() ? "yes" : "WRONG",
          v.tolerance().describe(v.error()),
          v.nanos() / 1e6,
          100 * v.spread(),
          v.flops() / v.nanos(),
          v.bytes() / v.nanos(),
          100 * v.limit() / v.nanos(),
          idea);
    }
  }

  private static ObjectNode json(KernelBench.Version v) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("event", "kernel")
        .put("kernel", v.family().name())
        .put("version", v.number())
        .put("correct", v.correct());
    v.refusal().ifPresent(reason -> node.put("refused", reason));
    if (v.refusal().isEmpty()) {
      node.put("error", v.error())
          .put("tolerance", v.tolerance().limit())
          .put("measure", v.tolerance().elementwise() ? "ulps" : "relative")
          .put("ms", v.nanos() / 1e6)
          .put("spread", v.spread())
          .put("gflops", v.flops() / v.nanos())
          .put("gbytes_per_s", v.bytes() / v.nanos())
          .put("share_of_limit", v.limit() / v.nanos());
    }
    return node;
  }

  /** The versions that are used from now on. */
  void chosen(Map<String, Integer> fastest) {
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
    command.say("%nthe fastest correct ones are used from now on: %s%n", text);
  }
}
