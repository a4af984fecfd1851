package dev.anneal.eval;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.Device;
import dev.anneal.device.KernelFamily;
import dev.anneal.failure.Failure;
import dev.anneal.model.Model;
import dev.anneal.model.Sizes;
import dev.anneal.plan.Op;
import dev.anneal.training.Initialization;
import dev.anneal.training.StepRecipe;
import dev.anneal.training.Trainer;
import dev.anneal.training.TrainingPlans;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * How far each version of some kernels is off, in steps of odd shapes and of a benched one. The
 * reference makes each of these steps twice, however many versions there are.
 */
final class VersionErrors {
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

  /** FLOPs of the largest step that is tried: a second or so of a CPU. */
  private static final double MOST_FLOPS = 5e10;

  private static final int FEW_TOKENS = 128;
  private static final int FEW_WORDS = 4001;

  private final Device reference;
  private final Device device;
  private final List<Checked> versions = new ArrayList<>();

  /** A version, and the worst error so far as a share of what an op may be off. */
  final class Checked implements LockStep.Way {
    private final KernelFamily family;
    private final int version;
    private double worst;
    private Optional<String> refusal = Optional.empty();

    private Checked(KernelFamily family, int version) {
      this.family = family;
      this.version = version;
    }

    double worst() {
      return worst;
    }

    /** Why the device does not run it, for a spelling. */
    Optional<String> refusal() {
      return refusal;
    }

    @Override
    public boolean run(Runnable op) {
      int before = requireNonNull(device.kernelVersions().get(family.name()));
      try {
        device.chooseKernels(Map.of(family.name(), version));
      } catch (Failure e) {
        refusal = Optional.of(e.unspelled());
        return false;
      }
      try {
        op.run();
        int used = requireNonNull(device.kernelVersions().get(family.name()));
        if (used != version) {
          refusal = Optional.of(device.info().name() + " does not run it and takes v" + used);
        }
        return used == version;
      } finally {
        device.chooseKernels(Map.of(family.name(), before));
      }
    }

    @Override
    public void found(LockStep.OpError error) {
      // As a share of what each op may be off: a classifier has another tolerance than its parts.
      worst =
          Math.max(worst, error.tolerance().error(error.difference()) / error.tolerance().limit());
    }
  }

  VersionErrors(Device reference, Device device, List<KernelFamily> families) {
    this.reference = reference;
    this.device = device;
    for (KernelFamily family : families) {
      for (int version = 1; version <= family.versions(); version++) {
        versions.add(new Checked(family, version));
      }
    }
  }

  Checked of(KernelFamily family, int version) {
    return versions.stream()
        .filter(v -> v.family.equals(family) && v.version == version)
        .findFirst()
        .orElseThrow();
  }

  /** Checks all versions in steps like {@code benched}, and of odd shapes. */
  void check(StepRecipe benched, BooleanSupplier cancelled) {
    for (int[] odd : ODD) {
      Sizes sizes = new Sizes(odd[0], odd[1], odd[2], odd[5], odd[3]);
      StepRecipe step =
          new StepRecipe(resized(benched, sizes), odd[4], odd[5], benched.precision());
      checkStep(step, cancelled);
      if (!device.rewrites().isEmpty()) {
        checkStep(step.withClassifierChunks(0), cancelled);
      }
    }
    checkStep(small(benched), cancelled);
  }

  /** As wide, with heads as large; of fewer layers, tokens and words where a CPU needs long. */
  static StepRecipe small(StepRecipe step) {
    double flops = 6.0 * step.model().parameterCount() * step.batch() * step.sequence();
    if (flops <= MOST_FLOPS) {
      return step;
    }
    Sizes sizes = step.model().config().sizes();
    int tokens = Math.min(FEW_TOKENS, step.sequence());
    int words = Math.min(FEW_WORDS, step.model().vocabulary());
    Sizes fewer = new Sizes(1, sizes.heads(), sizes.channels(), tokens, words);
    int batch = Math.min(2, step.batch());
    return new StepRecipe(resized(step, fewer), batch, tokens, step.precision());
  }

  /** The model of {@code step} in other sizes. */
  private static Model resized(StepRecipe step, Sizes sizes) {
    return step.model().config().resized(sizes).model();
  }

  private void checkStep(StepRecipe options, BooleanSupplier cancelled) {
    List<TrainingPlans> plans = options.together(List.of(reference, device));
    int vocabulary = options.model().vocabulary();
    Trainer.Batches batches = RandomTokens.of(vocabulary, 7);
    try (Trainer expected = new Trainer(reference, plans.getFirst(), options.optimizer());
        Trainer actual = new Trainer(device, plans.getLast(), options.optimizer())) {
      Initialization.initialize(expected, options.model(), 1);
      // After a step, no tensor is zero.
      expected.step(batches, 0, 1, 1e-2);
      expected.prepare(batches, 1, 2, 1e-3);
      LockStep lockStep =
          new LockStep(
              new LockStep.Side(reference, expected.memory()),
              new LockStep.Side(device, actual.memory()));
      lockStep.runInAllWays(expected.plans().step(), actual.plans().step(), this::ways, cancelled);
    }
  }

  /** The versions of all kernels that are run for {@code op}. */
  private List<LockStep.Way> ways(Op op) {
    List<LockStep.Way> ways = new ArrayList<>();
    for (Checked version : versions) {
      if (version.refusal.isEmpty()
          && OpBench.parts(op).anyMatch(version.family.op()::isInstance)) {
        ways.add(version);
      }
    }
    return ways;
  }
}
