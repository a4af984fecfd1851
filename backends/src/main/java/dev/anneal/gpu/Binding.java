package dev.anneal.gpu;

import dev.anneal.launch.Command;
import dev.anneal.launch.Launch;
import dev.anneal.launch.Place;
import dev.anneal.launch.Workspace;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;

/**
 * The addresses of a program: from commands that name tensors, scratch and tables to commands that
 * a driver takes.
 */
final class Binding {

  /** A table of a program and where in its constants it begins. */
  record Constant(Place.Table table, long offset) {}

  private final ToLongFunction<Tensor> tensors;
  private final long constantBase;
  private final long scratchBase;
  private final Map<Place.Table, Long> offsets = new IdentityHashMap<>();

  /**
   * @param tensors the address of each
   * @param constants with their tables from {@code constantBase} on
   */
  Binding(
      ToLongFunction<Tensor> tensors,
      List<Constant> constants,
      long constantBase,
      long scratchBase) {
    this.tensors = tensors;
    this.constantBase = constantBase;
    this.scratchBase = scratchBase;
    constants.forEach(constant -> offsets.put(constant.table(), constant.offset()));
  }

  /** The tables among some commands, one after the other. */
  static List<Constant> constants(List<Command> commands) {
    List<Constant> constants = new ArrayList<>();
    long at = 0;
    for (Command command : commands) {
      if (command instanceof Launch launch) {
        for (var argument : launch.arguments()) {
          if (argument instanceof Place.Table table) {
            constants.add(new Constant(table, at));
            at += bytes(table);
          }
        }
      }
    }
    return constants;
  }

  /** Bytes of some tables. */
  static long bytes(List<Constant> constants) {
    return constants.stream().mapToLong(constant -> bytes(constant.table())).sum();
  }

  private static long bytes(Place.Table table) {
    return Workspace.aligned((long) Long.BYTES * table.words().size(), Workspace.ALIGNMENT);
  }

  Command bound(Command command) {
    return command.at(this::bound);
  }

  private Place bound(Place place) {
    return switch (place) {
      case Place.Data(Tensor tensor, long first) ->
          Place.at(tensors.applyAsLong(tensor) + first * tensor.dtype().bytes());
      case Place.Scratch scratch -> Place.at(scratchBase + scratch.from() + scratch.at());
      case Place.Table table -> Place.at(constantBase + offsets.getOrDefault(table, 0L));
      case Place.At same -> same;
      case Place.Activations ignored -> throw new IllegalStateException(place + " is OpenCL's");
      case Place.ArenaOf ignored -> throw new IllegalStateException(place + " is OpenCL's");
      case Place.Tiles ignored -> throw new IllegalStateException(place + " is OpenCL's");
    };
  }

  /** A table as it is copied to the device. */
  long[] words(Place.Table table) {
    return table.words().stream()
        .mapToLong(
            word ->
                switch (word) {
                  case Place.Number(long value) -> value;
                  case Place.Address(Place place) -> bound(place).address();
                })
        .toArray();
  }
}
