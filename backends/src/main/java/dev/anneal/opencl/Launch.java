package dev.anneal.opencl;

import java.util.List;

/** One launch of a kernel, as data: which, over which work-items, with what. */
record Launch(Source source, String kernel, Grid grid, List<Argument> arguments) {
  Launch {
    arguments = List.copyOf(arguments);
  }

  static Launch of(Source source, String kernel, Grid grid, Argument... arguments) {
    return new Launch(source, kernel, grid, List.of(arguments));
  }
}
