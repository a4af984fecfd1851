package dev.anneal.terminal.report;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.device.ProductAlgorithm;
import dev.anneal.terminal.shell.ShellCommand;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What libraries multiply matrices with, and what was gained by trying. */
public final class AlgorithmTable {
  private static final List<FittedTable.Column> COLUMNS =
      List.of(
          FittedTable.Column.text("product by a library", 60, 0),
          FittedTable.Column.text("algorithm", 20, 3),
          FittedTable.Column.number("tried", 5, 1),
          FittedTable.Column.number("dropped", 7, 4),
          FittedTable.Column.number("ms", 9, 2),
          FittedTable.Column.number("gain", 5, 0));

  private AlgorithmTable() {}

  /**
   * Says all of them; nothing where there are none.
   *
   * @param room for a row, in columns; empty where nobody says how many
   */
  public static void say(
      ShellCommand command, List<ProductAlgorithm> algorithms, Optional<Integer> room) {
    if (command.asJson()) {
      algorithms.forEach(algorithm -> command.print(json(algorithm)));
      return;
    }
    if (algorithms.isEmpty()) {
      return;
    }
    FittedTable table = new FittedTable(COLUMNS, room);
    command.say("");
    command.say("%s", table.head());
    for (ProductAlgorithm algorithm : algorithms) {
      boolean tried = algorithm.tried() > 0;
      command.say(
          "%s",
          table.row(
              List.of(
                  algorithm.product(),
                  algorithm.source().words(),
                  tried ? "" + algorithm.tried() : "",
                  tried ? "" + algorithm.dropped() : "",
                  tried ? String.format(Locale.ROOT, "%.3f", algorithm.nanos() / 1e6) : "",
                  tried ? String.format(Locale.ROOT, "%.2fx", algorithm.gain()) : "")));
    }
  }

  private static ObjectNode json(ProductAlgorithm a) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("event", "product_algorithm")
        .put("product", a.product())
        .put("library", a.library())
        .put("algorithm", a.algorithm())
        .put("chosen", a.source().words())
        .put("tried", a.tried())
        .put("dropped", a.dropped());
    if (a.tried() > 0) {
      node.put("ms", a.nanos() / 1e6).put("gain", a.gain());
    }
    return node;
  }
}
