package dev.anneal.training;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.Device;
import dev.anneal.device.Memory;
import dev.anneal.device.OpTimings;
import dev.anneal.device.Program;
import dev.anneal.plan.Arena;
import dev.anneal.plan.Plan;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The plans of training, compiled; what is the same plan is the same program.
 *
 * @param gradients of a step, one for each micro-step; the last one is in {@code update} where that
 *     is not apart
 */
record Programs(
    List<Program> gradients, Program update, Program evaluation, Optional<Program> refresh)
    implements AutoCloseable {

  /** Compiles all, or closes what it has compiled and fails. */
  static Programs compile(Device device, TrainingPlans plans, Map<Arena, Memory> memory) {
    StepPlans step = StepPlans.of(plans, device);
    Map<Plan, Program> compiled = new IdentityHashMap<>();
    try {
      // Whose scratch is the largest comes first, so that all others find theirs in it.
      for (Plan plan : largestFirst(device, step.all(plans))) {
        compiled.put(plan, device.compile(plan, memory));
      }
      return new Programs(
          step.gradients().stream().map(plan -> requireNonNull(compiled.get(plan))).toList(),
          requireNonNull(compiled.get(step.update())),
          requireNonNull(compiled.get(plans.evaluation())),
          plans.refresh().map(plan -> requireNonNull(compiled.get(plan))));
    } catch (RuntimeException e) {
      compiled.values().forEach(Program::close);
      throw e;
    }
  }

  private static List<Plan> largestFirst(Device device, List<Plan> plans) {
    Map<Plan, Long> bytes = new IdentityHashMap<>();
    plans.forEach(plan -> bytes.put(plan, device.workspaceBytes(plan)));
    return plans.stream()
        .sorted(Comparator.comparing((Plan plan) -> requireNonNull(bytes.get(plan))).reversed())
        .toList();
  }

  /** How often a step runs each of its programs. */
  private Map<Program, Integer> uses() {
    Map<Program, Integer> uses = new IdentityHashMap<>();
    gradients.forEach(program -> uses.merge(program, 1, Integer::sum));
    uses.merge(update, 1, Integer::sum);
    return uses;
  }

  /** Milliseconds of a step by kind of op: the mean of the runs since {@link #resetTimings}. */
  Map<String, Double> millis() {
    Map<String, Double> millis = new TreeMap<>();
    uses()
        .forEach(
            (program, times) -> {
              OpTimings timings = program.timings();
              double share = timings.runs() == 0 ? 0 : (double) times / timings.runs();
              timings
                  .byKind()
                  .forEach((kind, nanos) -> millis.merge(kind, nanos * share / 1e6, Double::sum));
            });
    return millis;
  }

  /** Of a step's from now on. */
  void keepTimings() {
    uses().keySet().forEach(Program::keepTimings);
  }

  void resetTimings() {
    uses().keySet().forEach(Program::resetTimings);
  }

  @Override
  public void close() {
    uses().keySet().forEach(Program::close);
    evaluation.close();
    refresh.ifPresent(Program::close);
  }
}
