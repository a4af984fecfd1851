package dev.anneal.eval;

import dev.anneal.device.Device;
import dev.anneal.device.KernelFamily;
import dev.anneal.device.Program;
import dev.anneal.device.ProgramCosts;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.training.Initialization;
import dev.anneal.training.StepRecipe;
import dev.anneal.training.Trainer;
import dev.anneal.training.TrainingPlans;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * How long versions of kernels take. Versions that a device does the same for are timed once, so
 * that they tie; a version that changes what is done for other kinds of ops, such as one that does
 * a neighbour's work, too, is timed in whole steps.
 */
final class VersionTimes implements AutoCloseable {
  private static final double STEP_SECONDS = 0.5;

  private final Device device;
  private final StepRecipe options;
  private final TrainingPlans plans;
  private final OpBench.Limits limits;
  private final OpBench bench;
  private final Map<String, OpBench.Timing> timings = new HashMap<>();
  private Optional<Trainer> trainer = Optional.empty();

  /** Time, work and traffic of all ops of a kind in a step. */
  record OfOps(double nanos, double spread, double flops, double bytes, double limit) {}

  VersionTimes(Device device, StepRecipe options, OpBench.Limits limits) {
    this.device = device;
    this.options = options;
    this.plans = options.on(device);
    this.limits = limits;
    this.bench = new OpBench(device, options.precision().multiplication());
  }

  Plan step() {
    return plans.step();
  }

  /** Times the ops of a step with the version that is chosen now. */
  OfOps ops(KernelFamily family, int version) {
    double nanos = 0;
    double spread = 0;
    double longest = 0;
    double flops = 0;
    double bytes = 0;
    double limit = 0;
    for (Map.Entry<Op, Integer> entry : OpBench.distinct(OpBench.parts(step())).entrySet()) {
      Op op = entry.getKey();
      if (!family.op().isInstance(op)) {
        continue;
      }
      String same = op.kind() + op.tensors() + code(bench.alone(op), version);
      // Not computeIfAbsent: timing takes a while, and may fail.
      OpBench.Timing timing = timings.get(same);
      if (timing == null) {
        timing = bench.time(op);
        timings.put(same, timing);
      }
      int count = entry.getValue();
      nanos += count * timing.nanos();
      flops += (double) count * op.flops();
      bytes += count * op.bytes();
      limit += count * limits.nanos(op);
      if (count * timing.nanos() > longest) {
        longest = count * timing.nanos();
        spread = timing.spread();
      }
    }
    return new OfOps(nanos, spread, flops, bytes, limit);
  }

  /** What the device is told to do; of one that does not say, the version. */
  private String code(Plan plan, int version) {
    return device
        .costs(plan)
        .map(ProgramCosts::commands)
        .map(all -> all.stream().map(VersionTimes::code).collect(Collectors.joining(", ")))
        .orElse("v" + version);
  }

  private static String code(ProgramCosts.Command command) {
    return command.op() + ": " + command.by() + " " + command.what();
  }

  /** What the device does in a step beside the ops of this kind alone, and how often. */
  Map<String, Long> others(KernelFamily family) {
    String kind = family.op().getSimpleName();
    return device
        .costs(step())
        .map(
            costs ->
                costs.commands().stream()
                    .filter(command -> !command.op().equals(kind))
                    .collect(
                        Collectors.groupingBy(
                            VersionTimes::code, TreeMap::new, Collectors.counting())))
        .orElseGet(TreeMap::new);
  }

  /** A whole step with the versions that are chosen now. */
  KernelBench.Step wholeStep() {
    Trainer all = trainer.orElseGet(this::began);
    trainer = Optional.of(all);
    try (Program program = device.compile(step(), all.memory())) {
      OpBench.runFor(program, 0);
      double[] nanos = OpBench.runFor(program, STEP_SECONDS);
      return new KernelBench.Step(OpBench.median(nanos), OpBench.spread(nanos));
    }
  }

  private Trainer began() {
    Trainer all = new Trainer(device, plans, options.optimizer());
    Initialization.initialize(all, options.model(), 1);
    int words = options.model().vocabulary();
    all.step(
        (index, tokens, targets) -> {
          for (int i = 0; i < tokens.length; i++) {
            tokens[i] = i % words;
            targets[i] = (i + 1) % words;
          }
        },
        0,
        1,
        1e-6);
    return all;
  }

  /** Those that change what is done for other ops. */
  static boolean differ(List<Map<String, Long>> others) {
    return others.stream().distinct().count() > 1;
  }

  @Override
  public void close() {
    trainer.ifPresent(Trainer::close);
  }
}
