package dev.anneal.eval;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.Device;
import dev.anneal.device.KernelFamily;
import dev.anneal.eval.LockStep.OpError;
import dev.anneal.failure.Failure;
import dev.anneal.model.Gpt2;
import dev.anneal.model.GptConfig;
import dev.anneal.model.Model;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Precision;
import dev.anneal.random.Philox;
import dev.anneal.reference.Tolerance;
import dev.anneal.training.Initialization;
import dev.anneal.training.StepOptions;
import dev.anneal.training.Trainer;
import dev.anneal.training.TrainingPlans;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Every version of a device's kernels: is it correct, and how fast? Correct is what agrees with the
 * reference device on every op of its kind in training steps of odd shapes and of the benched
 * model; fast is the time of all of that kind's ops in a step of the benched model.
 */
public final class KernelBench {
  /**
   * Shapes of 1, of primes, and around powers of two: layers, heads, channels, vocabulary, B, T.
   * Three channels at least: of two, a layer norm makes 1 and -1 whatever they are, so that its
   * gradient is all rounding.
   */
  private static final int[][] ODD = {
    {1, 1, 3, 3, 1, 1},
    {1, 3, 33, 7, 2, 5},
    {1, 2, 62, 131, 3, 17},
    {1, 1, 67, 257, 1, 65},
    // Heads of 64, for which a device may have other kernels.
    {1, 2, 128, 67, 1, 65},
  };

  /** What two medians of the same code differ by, at least. */
  private static final double LEAST_NOISE = 0.03;

  private final Device reference;
  private final Device device;
  private final Precision precision;

  /**
   * A version and how it did.
   *
   * @param error the worst error over all shapes, in the tolerance's measure
   * @param refusal why the device cannot run it; the rest says nothing then
   * @param nanos of all ops of its kind in a step, medians
   * @param spread of the op that takes the most time
   * @param flops of these ops
   * @param bytes that they must move at least
   * @param limit the least time that the device's limits allow, in nanoseconds
   */
  public record Version(
      KernelFamily family,
      int number,
      double error,
      Tolerance tolerance,
      Optional<String> refusal,
      double nanos,
      double spread,
      double flops,
      double bytes,
      double limit) {
    public boolean correct() {
      return refusal.isEmpty() && error <= tolerance.limit();
    }
  }

  /**
   * A bench of {@code device}.
   *
   * @param reference whose results count as right: the CPU
   * @param precision of the device's tensors
   */
  public KernelBench(Device reference, Device device, Precision precision) {
    this.reference = reference;
    this.device = device;
    this.precision = precision;
  }

  /** The family of that name, or that computes that kind of op. */
  public KernelFamily family(String name) {
    return device.kernels().stream()
        .filter(f -> f.name().equalsIgnoreCase(name))
        .findFirst()
        .or(
            () ->
                device.kernels().stream()
                    .filter(f -> f.op().getSimpleName().equalsIgnoreCase(name))
                    .findFirst())
        .orElseThrow(
            () ->
                Failure.usage(
                    "no kernel is named "
                        + name
                        + "; "
                        + device.info().backend()
                        + " has "
                        + String.join(
                            ", ", device.kernels().stream().map(KernelFamily::name).toList())));
  }

  /**
   * Measures all versions of {@code families}; leaves the device with the versions it had.
   *
   * @param model whose step gives the shapes to time
   * @param onVersion hears of each version when it is measured
   */
  public void run(
      List<KernelFamily> families,
      Model model,
      int batch,
      int sequence,
      OpBench.Limits limits,
      Consumer<Version> onVersion,
      BooleanSupplier cancelled) {
    Map<String, Integer> before = device.kernelVersions();
    List<Case> cases = new ArrayList<>();
    try {
      for (int[] odd : ODD) {
        GptConfig config = new GptConfig(odd[0], odd[1], odd[2], odd[5], odd[3]);
        StepOptions options = new StepOptions(new Gpt2(config), odd[4], odd[5], precision);
        cases.add(new Case(options));
        if (!device.rewrites().isEmpty()) {
          cases.add(new Case(options.withClassifierChunks(0)));
        }
      }
      cases.add(new Case(new StepOptions(model, batch, sequence, precision)));
      for (KernelFamily family : families) {
        for (int version = 1; version <= family.versions(); version++) {
          if (cancelled.getAsBoolean()) {
            return;
          }
          onVersion.accept(measure(family, version, cases, limits, cancelled));
        }
        device.chooseKernels(Map.of(family.name(), requireNonNull(before.get(family.name()))));
      }
    } finally {
      cases.forEach(Case::close);
      device.chooseKernels(before);
    }
  }

  private Version measure(
      KernelFamily family,
      int version,
      List<Case> cases,
      OpBench.Limits limits,
      BooleanSupplier cancelled) {
    Op sample =
        OpBench.parts(cases.getLast().plan()).stream()
            .filter(family.op()::isInstance)
            .findFirst()
            .orElseThrow(
                () ->
                    Failure.failed("no op of a training step is a " + family.op().getSimpleName()));
    Tolerance tolerance = Tolerance.of(sample);
    try {
      device.chooseKernels(Map.of(family.name(), version));
    } catch (Failure e) {
      return new Version(family, version, 0, tolerance, Optional.of(e.getMessage()), 0, 0, 0, 0, 0);
    }
    // As a share of what each op may be off: a classifier has another tolerance than its parts.
    double worst = 0;
    for (Case shapes : cases) {
      for (OpError error : shapes.errors(family, cancelled)) {
        worst =
            Math.max(
                worst, error.tolerance().error(error.difference()) / error.tolerance().limit());
      }
    }
    int used = requireNonNull(device.kernelVersions().get(family.name()));
    if (used != version) {
      String why = device.info().name() + " does not run it and takes v" + used;
      return new Version(family, version, 0, tolerance, Optional.of(why), 0, 0, 0, 0, 0);
    }
    OpBench bench = new OpBench(device);
    double nanos = 0;
    double spread = 0;
    double longest = 0;
    double flops = 0;
    double bytes = 0;
    double limit = 0;
    for (Map.Entry<Op, Integer> entry :
        OpBench.distinct(OpBench.parts(cases.getLast().plan())).entrySet()) {
      Op op = entry.getKey();
      if (!family.op().isInstance(op)) {
        continue;
      }
      OpBench.Timing timing = bench.time(op);
      int count = entry.getValue();
      nanos += count * timing.nanos();
      flops += (double) count * op.flops();
      bytes += count * OpBench.bytes(op);
      limit += count * limits.nanos(op);
      if (count * timing.nanos() > longest) {
        longest = count * timing.nanos();
        spread = timing.spread();
      }
    }
    return new Version(
        family,
        version,
        worst * tolerance.limit(),
        tolerance,
        Optional.empty(),
        nanos,
        spread,
        flops,
        bytes,
        limit);
  }

  /**
   * The fastest correct version of each family. A lower one must be faster by more than what runs
   * differ by: where versions are the same code for a dtype, as some are, noise would decide.
   */
  public static Map<String, Integer> fastest(List<Version> versions) {
    Map<String, Version> best = new TreeMap<>();
    for (Version version : versions) {
      if (version.correct()) {
        best.merge(version.family().name(), version, KernelBench::faster);
      }
    }
    Map<String, Integer> numbers = new TreeMap<>();
    best.forEach((name, version) -> numbers.put(name, version.number()));
    return numbers;
  }

  private static Version faster(Version a, Version b) {
    Version low = a.number() < b.number() ? a : b;
    Version high = low == a ? b : a;
    double noise = Math.max(LEAST_NOISE, Math.max(a.spread(), b.spread()));
    return low.nanos() * (1 + noise) < high.nanos() ? low : high;
  }

  /** A model at some shapes on both devices, after a step, so that no tensor is zero. */
  private final class Case implements AutoCloseable {
    private final Trainer expected;
    private final Trainer actual;
    private final Trainer.Batches batches;
    private int step;

    Case(StepOptions options) {
      Model model = options.model();
      List<TrainingPlans> plans = options.together(List.of(reference, device));
      expected = new Trainer(reference, plans.getFirst(), options.adamW());
      actual = new Trainer(device, plans.getLast(), options.adamW());
      batches =
          (index, tokens, targets) -> {
            for (int i = 0; i < tokens.length; i++) {
              long bits = Philox.bits(7, Philox.Purpose.TEST, (int) index, i, 0);
              tokens[i] = (int) Long.remainderUnsigned(bits, model.vocabulary());
              targets[i] = (int) Long.remainderUnsigned(bits >>> 20, model.vocabulary());
            }
          };
      Initialization.initialize(expected, model, 1);
      expected.step(batches, 0, ++step, 1e-2);
    }

    /** A step on the device. */
    Plan plan() {
      return actual.plans().step();
    }

    List<OpError> errors(KernelFamily family, BooleanSupplier cancelled) {
      LockStep lockStep =
          new LockStep(
              new LockStep.Side(reference, expected.memory()),
              new LockStep.Side(device, actual.memory()));
      // Fresh input for every version.
      expected.prepare(batches, step, ++step, 1e-3);
      return lockStep.run(expected.plans().step(), plan(), op -> concerns(op, family), cancelled);
    }

    /** Whether such a kernel is run for {@code op}. */
    private static boolean concerns(Op op, KernelFamily family) {
      return OpBench.parts(op).anyMatch(family.op()::isInstance);
    }

    @Override
    public void close() {
      expected.close();
      actual.close();
    }
  }
}
