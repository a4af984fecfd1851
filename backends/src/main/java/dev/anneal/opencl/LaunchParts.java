package dev.anneal.opencl;

import dev.anneal.launch.Grid;
import dev.anneal.launch.Launch;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jocl.cl_kernel;

/**
 * The launches of a program in the parts that the device is given, in order: as many as their
 * estimated time wants, and more where a part was measured to take longer than it may.
 */
final class LaunchParts {
  private final Pace pace;
  private final List<Bound> launches = new ArrayList<>();
  private List<Enqueued> parts = List.of();

  /** A launch of op number {@code op} with its arguments in place, in {@code count} parts. */
  private record Bound(int op, cl_kernel kernel, Grid grid, long count) {
    Bound in(long more) {
      return new Bound(op, kernel, grid, more);
    }
  }

  /** One thing that the queue is told to do: a part of launch number {@code launch}. */
  record Enqueued(
      int op, int launch, cl_kernel kernel, long[] offset, long[] global, long[] local) {}

  LaunchParts(Pace pace) {
    this.pace = pace;
  }

  void add(int op, cl_kernel kernel, Launch launch) {
    launches.add(new Bound(op, kernel, launch.grid(), pace.parts(pace.seconds(launch.work()))));
    parts = List.of();
  }

  /** All of them in order. */
  List<Enqueued> all() {
    if (parts.isEmpty()) {
      parts = IntStream.range(0, launches.size()).boxed().flatMap(i -> of(i).stream()).toList();
    }
    return parts;
  }

  private List<Enqueued> of(int launch) {
    Bound bound = launches.get(launch);
    Grid grid = bound.grid();
    long[] local = {grid.width(), grid.height()};
    return Part.of(grid, bound.count()).stream()
        .map(
            part ->
                new Enqueued(bound.op(), launch, bound.kernel(), part.offset(), part.size(), local))
        .toList();
  }

  /** Cuts those further whose parts took longer than they may: {@code nanos} of each part. */
  void measured(long[] nanos) {
    List<Enqueued> those = all();
    for (int i = 0; i < those.size(); i++) {
      long factor = pace.parts(nanos[i] / 1e9);
      if (factor > 1) {
        int launch = those.get(i).launch();
        long now = those.stream().filter(part -> part.launch() == launch).count();
        Bound bound = launches.get(launch);
        launches.set(launch, bound.in(Math.max(bound.count(), now * factor)));
        parts = List.of();
      }
    }
  }

  void clear() {
    launches.clear();
    parts = List.of();
  }
}
