package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.plan.Tensor;
import dev.anneal.run.Inspection;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.Bars;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code inspect}: the numbers in a tensor. */
@Command(
    name = "inspect",
    description =
        "Show a tensor of the live run: shape, range, moments, histogram and values. An activation"
            + " is computed again for the next batch; weights, moments and gradients are as the"
            + " last step left them. Alone, list the tensors.",
    footer = {"", "Examples:", "  inspect wte.weight", "  inspect d.wte.weight '[0,:8]'"})
final class InspectCommand extends ShellCommand {
  private static final int ROWS = 32;

  @Parameters(index = "0", arity = "0..1", paramLabel = "TENSOR", description = "its name")
  private Optional<String> name = Optional.empty();

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "SLICE",
      description = "such as [0,:8]; a corner by default")
  private Optional<String> slice = Optional.empty();

  InspectCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    if (name.isEmpty()) {
      list();
      return 0;
    }
    Inspection seen =
        shell().await(live().session().atBoundary(run -> run.inspect(name.get(), slice)));
    if (asJson()) {
      print(json(seen));
    } else {
      tell(seen);
    }
    return 0;
  }

  private void list() {
    List<Tensor> tensors = shell().await(live().session().atBoundary(run -> run.tensors()));
    for (Tensor tensor : tensors) {
      if (asJson()) {
        ObjectNode node = json("tensor").put("name", tensor.name());
        ArrayNode shape = node.putArray("shape");
        tensor.shape().dims().forEach(shape::add);
        print(node.put("arena", lower(tensor.arena())));
      } else {
        say("%-32s %-20s %s", tensor.name(), tensor.shape(), lower(tensor.arena()));
      }
    }
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  private void tell(Inspection seen) {
    Tensor tensor = seen.tensor();
    say(
        "%s  %s  %s  %s",
        tensor.name(), tensor.shape(), lower(tensor.dtype()), lower(tensor.arena()));
    say(
        "min %.6g  max %.6g  mean %.6g  std %.6g  NaN or infinite %d",
        seen.min(), seen.max(), seen.mean(), seen.deviation(), seen.nonFinite());
    say("%s", Bars.of(seen.histogram(), shell().look().glyphs()));
    say("%s", seen.slice());
    int row = Math.max(1, seen.slice().rowLength());
    for (int i = 0; i < seen.values().size() && i < ROWS * row; i += row) {
      List<String> cells = new ArrayList<>();
      for (float value : seen.values().subList(i, Math.min(seen.values().size(), i + row))) {
        cells.add(String.format(Locale.ROOT, "%11.4g", value));
      }
      say("%s", String.join(" ", cells));
    }
    if (seen.values().size() > ROWS * row) {
      say("...");
    }
  }

  private static ObjectNode json(Inspection seen) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("event", "inspect").put("tensor", seen.tensor().name());
    node.put("dtype", lower(seen.tensor().dtype()));
    ArrayNode shape = node.putArray("shape");
    seen.tensor().shape().dims().forEach(shape::add);
    node.put("min", seen.min());
    node.put("max", seen.max());
    node.put("mean", seen.mean());
    node.put("std", seen.deviation());
    node.put("non_finite", seen.nonFinite());
    ArrayNode bins = node.putArray("histogram");
    for (long count : seen.histogram()) {
      bins.add(count);
    }
    node.put("slice", seen.slice().toString());
    ArrayNode values = node.putArray("values");
    seen.values().forEach(values::add);
    return node;
  }
}
