package dev.anneal.eval;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.Device;
import dev.anneal.device.KernelFamily;
import dev.anneal.failure.Failure;
import dev.anneal.reference.Tolerance;
import dev.anneal.training.StepRecipe;
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
 * model's widths; fast is the time of all of that kind's ops in a step of the benched model.
 */
public final class KernelBench {
  /** What two medians of the same code differ by, at least. */
  private static final double LEAST_NOISE = 0.03;

  /** A version that takes so many times the fastest's time alone is not timed in a step. */
  private static final double HOPELESS = 3;

  private final Device reference;
  private final Device device;

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
   * @param step a whole step with it, where versions differ in what is done for other ops
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
      double limit,
      Optional<Step> step) {
    private static Version refused(
        KernelFamily family, int number, Tolerance tolerance, Optional<String> why) {
      return new Version(family, number, 0, tolerance, why, 0, 0, 0, 0, 0, Optional.empty());
    }

    public boolean correct() {
      return refusal.isEmpty() && error <= tolerance.limit();
    }

    private Version in(Step whole) {
      return new Version(
          family,
          number,
          error,
          tolerance,
          refusal,
          nanos,
          spread,
          flops,
          bytes,
          limit,
          Optional.of(whole));
    }
  }

  /**
   * A training step.
   *
   * @param nanos the median
   * @param spread the middle half of the runs, as a share of the median
   */
  public record Step(double nanos, double spread) {}

  /**
   * A bench of {@code device}.
   *
   * @param reference whose results count as right: the CPU
   */
  public KernelBench(Device reference, Device device) {
    this.reference = reference;
    this.device = device;
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
   * @param options of the step that gives the shapes to time
   * @param onVersion hears of each version when those of its kernel are measured
   */
  public void run(
      List<KernelFamily> families,
      StepRecipe options,
      OpBench.Limits limits,
      Consumer<Version> onVersion,
      BooleanSupplier cancelled) {
    Map<String, Integer> before = device.kernelVersions();
    VersionErrors errors = new VersionErrors(reference, device, families);
    try (VersionTimes times = new VersionTimes(device, options, limits)) {
      List<Tolerance> tolerances = families.stream().map(f -> tolerance(f, times)).toList();
      errors.check(options, cancelled);
      for (int i = 0; i < families.size() && !cancelled.getAsBoolean(); i++) {
        KernelFamily family = families.get(i);
        measure(family, errors, tolerances.get(i), times).forEach(onVersion);
        device.chooseKernels(Map.of(family.name(), requireNonNull(before.get(family.name()))));
      }
    } finally {
      device.chooseKernels(before);
    }
  }

  private static Tolerance tolerance(KernelFamily family, VersionTimes times) {
    return OpBench.parts(times.step()).stream()
        .filter(family.op()::isInstance)
        .findFirst()
        .map(Tolerance::of)
        .orElseThrow(
            () -> Failure.failed("no op of a training step is a " + family.op().getSimpleName()));
  }

  private List<Version> measure(
      KernelFamily family, VersionErrors errors, Tolerance tolerance, VersionTimes times) {
    List<Version> versions = new ArrayList<>();
    List<Map<String, Long>> others = new ArrayList<>();
    for (int number = 1; number <= family.versions(); number++) {
      VersionErrors.Checked checked = errors.of(family, number);
      if (checked.refusal().isPresent()) {
        versions.add(Version.refused(family, number, tolerance, checked.refusal()));
        continue;
      }
      device.chooseKernels(Map.of(family.name(), number));
      VersionTimes.OfOps ops = times.ops(family, number);
      double error = checked.worst() * tolerance.limit();
      Version version =
          new Version(
              family,
              number,
              error,
              tolerance,
              Optional.empty(),
              ops.nanos(),
              ops.spread(),
              ops.flops(),
              ops.bytes(),
              ops.limit(),
              Optional.empty());
      versions.add(version);
      if (version.correct()) {
        others.add(times.others(family));
      }
    }
    if (VersionTimes.differ(others)) {
      inSteps(versions, times);
    }
    return versions;
  }

  /** Times the correct ones in steps, but for those that are hopeless. */
  private void inSteps(List<Version> versions, VersionTimes times) {
    double least =
        versions.stream().filter(Version::correct).mapToDouble(Version::nanos).min().orElse(0);
    versions.replaceAll(
        version -> {
          if (!version.correct() || version.nanos() > HOPELESS * least) {
            return version;
          }
          device.chooseKernels(Map.of(version.family().name(), version.number()));
          return version.in(times.wholeStep());
        });
  }

  /**
   * The fastest correct version of each family. A lower one must be faster by more than what runs
   * differ by: where versions are the same code for a dtype, as some are, noise would decide. Where
   * versions were timed in steps, these decide: a version that is slower alone may save another op.
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
    if (a.step().isPresent() != b.step().isPresent()) {
      return a.step().isPresent() ? a : b;
    }
    Version low = a.number() < b.number() ? a : b;
    Version high = low == a ? b : a;
    Step first = low.step().orElse(new Step(low.nanos(), low.spread()));
    Step second = high.step().orElse(new Step(high.nanos(), high.spread()));
    double noise = Math.max(LEAST_NOISE, Math.max(first.spread(), second.spread()));
    return first.nanos() * (1 + noise) < second.nanos() ? low : high;
  }
}
