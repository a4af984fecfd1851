package dev.anneal.eval.selftest;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.Device;
import dev.anneal.eval.selftest.Finding.Measured;
import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpAccuracy.Deviation;
import dev.anneal.ops.OpRun;
import dev.anneal.ops.OpTrial;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;

/**
 * Some runs, each made twice on a device, which on a GPU is first command by command and then a
 * graph: near enough to the reference, and with the same bits. What is right is computed once, when
 * it is first wanted.
 */
final class Trials {
  /** How far results are off what is right. */
  @FunctionalInterface
  interface Judge {
    Deviation worst(OpRun run, Map<Tensor, double[]> expected, Map<Tensor, float[]> actual);
  }

  private final List<OpRun> runs;
  private final Judge judge;
  private final Map<OpRun, Map<Tensor, double[]>> expected = new ConcurrentHashMap<>();

  Trials(List<OpRun> runs, Judge judge) {
    this.runs = List.copyOf(runs);
    this.judge = judge;
  }

  boolean anyMatch(Predicate<OpRun> which) {
    return runs.stream().anyMatch(which);
  }

  /** The worst of those that {@code which} takes, one at least. */
  Measured on(Device device, Predicate<OpRun> which) {
    if (expected.isEmpty()) {
      runs.parallelStream().forEach(run -> expected.put(run, run.reference()));
    }
    return runs.stream()
        .filter(which)
        .map(run -> on(device, run))
        .reduce(Measured::worse)
        .orElseThrow();
  }

  private Measured on(Device device, OpRun run) {
    try (OpTrial trial = new OpTrial(run, device)) {
      Map<Tensor, float[]> first = trial.run();
      Map<Tensor, float[]> second = trial.run();
      Measured error =
          Measured.of(judge.worst(run, requireNonNull(expected.get(run)), first), run.toString());
      long different = OpAccuracy.differentBits(run.results(), first, second);
      return different == 0 || !error.within()
          ? error
          : Measured.bits(different, "other bits when it ran again, " + run);
    }
  }
}
