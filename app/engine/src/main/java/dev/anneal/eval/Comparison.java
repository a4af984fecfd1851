package dev.anneal.eval;

import dev.anneal.device.Device;
import dev.anneal.eval.LockStep.OpError;
import dev.anneal.plan.Plan;
import dev.anneal.reference.Difference;
import dev.anneal.training.MemoryBill;
import dev.anneal.training.StepRecipe;
import dev.anneal.training.Trainer;
import dev.anneal.training.TrainingPlans;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.IntToDoubleFunction;
import java.util.function.ToDoubleFunction;

/**
 * The same training steps on several devices: first one step op by op, each op on the inputs that
 * the first device, the reference, has; then whole steps in turn, each device on its own.
 *
 * @param devices the reference first
 * @param batch B
 * @param sequence T
 * @param steps the step that each device began after, and how many it made
 */
public record Comparison(
    String model, int batch, int sequence, Steps steps, List<DeviceResult> devices) {
  private static final int WARMUP_STEPS = 100;

  /**
   * How to measure.
   *
   * @param steps to time
   * @param warmUpSeconds of each device, before that; two steps at least are made
   * @param version of Anneal, for the record
   */
  public record Settings(int steps, double warmUpSeconds, String version) {
    public static final double WARM_UP_SECONDS = 2;
  }

  /** {@code count} steps after step {@code after}. */
  public record Steps(int after, int count) {}

  /**
   * What is compared.
   *
   * @param step in the precision of every device that has it; the reference may have fp32 only
   * @param learningRate of an update, by its number from 1
   * @param after updates made so far
   * @param state writes parameters and moments
   */
  public record Task(
      StepRecipe step,
      Trainer.Batches batches,
      IntToDoubleFunction learningRate,
      int after,
      Consumer<Trainer> state) {}

  /**
   * How one device did.
   *
   * @param details driver and version
   * @param kernels chosen versions by name
   * @param memoryBytes of all arenas and workspaces
   * @param stepMs the median
   * @param kinds median milliseconds per step by kind of op
   * @param errors against the reference by kind of op; empty for the reference
   * @param divergence the first op beyond its tolerance
   * @param spread of the times
   * @param utilization by {@code stepMs}; empty when nobody knows the device's peak
   */
  public record DeviceResult(
      String backend,
      String device,
      String details,
      Map<String, Integer> kernels,
      long memoryBytes,
      double stepMs,
      double tokensPerSecond,
      Map<String, Double> kinds,
      List<Double> losses,
      Map<String, Difference> errors,
      Optional<Divergence> divergence,
      Spread spread,
      Optional<Utilization> utilization,
      Origin origin) {}

  /** An op beyond its tolerance; {@code error} and {@code tolerance} have their units. */
  public record Divergence(int op, String kind, String tensor, String error, String tolerance) {}

  /** Whether an op of any device was beyond its tolerance. */
  public boolean diverged() {
    return devices.stream().anyMatch(device -> device.divergence().isPresent());
  }

  /**
   * Compares {@code devices}, the first of which is the reference.
   *
   * @param progress hears what is being done
   */
  public static Comparison run(
      Task task,
      List<Device> devices,
      Settings settings,
      Consumer<String> progress,
      BooleanSupplier cancelled) {
    List<Trainer> trainers = new ArrayList<>();
    try {
      List<Long> bytes = new ArrayList<>();
      List<TrainingPlans> all = task.step().together(devices);
      for (int i = 0; i < devices.size(); i++) {
        Device device = devices.get(i);
        TrainingPlans plans = all.get(i);
        MemoryBill bill = MemoryBill.of(plans, device);
        bill.requireFits(device);
        bytes.add(bill.total());
        trainers.add(new Trainer(device, plans, task.step().optimizer()));
      }
      List<List<OpError>> errors = new ArrayList<>();
      errors.add(List.of());
      for (int i = 1; i < devices.size(); i++) {
        progress.accept("op by op: " + devices.get(i).info().backend());
        errors.add(opByOp(task, trainers.getFirst(), trainers.get(i), cancelled));
      }
      List<List<Step>> steps = steps(task, trainers, settings, progress, cancelled);
      List<DeviceResult> results = new ArrayList<>();
      for (int i = 0; i < devices.size(); i++) {
        Origin origin =
            Origin.here(
                settings.version(),
                all.get(i).storage().precision().name().toLowerCase(Locale.ROOT));
        results.add(result(trainers.get(i), bytes.get(i), steps.get(i), errors.get(i), origin));
      }
      var tokens = trainers.getFirst().plans().inputs().tokens().shape();
      return new Comparison(
          task.step().model().description(),
          tokens.dim(0),
          tokens.dim(1),
          new Steps(task.after(), steps.getFirst().size()),
          results);
    } finally {
      trainers.forEach(Trainer::close);
    }
  }

  private static List<OpError> opByOp(
      Task task, Trainer reference, Trainer other, BooleanSupplier cancelled) {
    task.state().accept(reference);
    int next = task.after() + 1;
    LockStep lockStep =
        new LockStep(
            new LockStep.Side(reference.device(), reference.memory()),
            new LockStep.Side(other.device(), other.memory()));
    List<OpError> errors = new ArrayList<>();
    List<Plan> microSteps = reference.plans().microSteps();
    for (int i = 0; i < microSteps.size(); i++) {
      long batch = (long) task.after() * microSteps.size() + i;
      reference.prepare(task.batches(), batch, next, task.learningRate().applyAsDouble(next));
      errors.addAll(
          lockStep.run(
              microSteps.get(i), other.plans().microSteps().get(i), op -> true, cancelled));
    }
    return errors;
  }

  private record Step(double ms, double loss, Map<String, Double> kinds) {}

  private static List<List<Step>> steps(
      Task task,
      List<Trainer> trainers,
      Settings settings,
      Consumer<String> progress,
      BooleanSupplier cancelled) {
    List<List<Step>> all = new ArrayList<>();
    for (Trainer trainer : trainers) {
      trainer.keepTimings();
      progress.accept("warm-up: " + trainer.device().info().backend());
      task.state().accept(trainer);
      warmUp(task, trainer, settings.warmUpSeconds(), cancelled);
      task.state().accept(trainer);
      trainer.takeMillis();
      all.add(new ArrayList<>());
    }
    // In turn, so that a slow moment of the machine is everyone's.
    int count = settings.steps();
    for (int s = 0; s < count && !cancelled.getAsBoolean(); s++) {
      progress.accept("step " + (s + 1) + " of " + count);
      int next = task.after() + s + 1;
      for (int i = 0; i < trainers.size(); i++) {
        Trainer trainer = trainers.get(i);
        long start = System.nanoTime();
        double loss = step(task, trainer, next);
        double ms = (System.nanoTime() - start) / 1e6;
        all.get(i).add(new Step(ms, loss, trainer.takeMillis()));
      }
    }
    return all;
  }

  /** The JVM compiles the CPU's kernels only when they have run for a while. */
  private static void warmUp(
      Task task, Trainer trainer, double seconds, BooleanSupplier cancelled) {
    long end = System.nanoTime() + (long) (seconds * 1e9);
    int made = 0;
    while (!cancelled.getAsBoolean()
        && (made < 2 || System.nanoTime() < end && made < WARMUP_STEPS)) {
      step(task, trainer, task.after() + ++made);
    }
  }

  private static double step(Task task, Trainer trainer, int number) {
    long batch = (long) (number - 1) * trainer.plans().microSteps().size();
    double learningRate = task.learningRate().applyAsDouble(number);
    return trainer.step(task.batches(), batch, number, learningRate).loss();
  }

  private static DeviceResult result(
      Trainer trainer, long bytes, List<Step> steps, List<OpError> errors, Origin origin) {
    Device device = trainer.device();
    double median = median(steps, Step::ms);
    Map<String, Double> kinds = new TreeMap<>();
    steps.stream()
        .flatMap(step -> step.kinds().keySet().stream())
        .distinct()
        .forEach(
            kind -> kinds.put(kind, median(steps, step -> step.kinds().getOrDefault(kind, 0.0))));
    Map<String, Spread.Range> ranges = new TreeMap<>();
    kinds
        .keySet()
        .forEach(
            kind ->
                range(steps, step -> step.kinds().getOrDefault(kind, 0.0))
                    .ifPresent(range -> ranges.put(kind, range)));
    Map<String, Difference> worst = new TreeMap<>();
    errors.forEach(e -> worst.merge(e.op().kind(), e.difference(), Difference::worst));
    long tokens =
        trainer.plans().inputs().tokens().elements() * trainer.plans().microSteps().size();
    return new DeviceResult(
        device.info().backend(),
        device.info().name(),
        device.info().details(),
        device.kernelVersions(),
        bytes,
        median,
        tokens / median * 1000,
        kinds,
        steps.stream().map(Step::loss).toList(),
        worst,
        errors.stream().filter(e -> !e.within()).findFirst().map(Comparison::divergence),
        new Spread(range(steps, Step::ms), ranges),
        utilization(trainer, median),
        origin);
  }

  private static Optional<Utilization> utilization(Trainer trainer, double stepMs) {
    TrainingPlans plans = trainer.plans();
    double flops = (double) plans.step().flops() * plans.microSteps().size();
    String device = trainer.device().info().name() + ", " + trainer.device().info().details();
    return Double.isNaN(stepMs)
        ? Optional.empty()
        : Peak.of(device, plans.storage().precision())
            .map(peak -> new Utilization(flops / stepMs * 1000, peak));
  }

  private static Optional<Spread.Range> range(List<Step> steps, ToDoubleFunction<Step> value) {
    return Spread.Range.of(steps.stream().mapToDouble(value).toArray());
  }

  private static double median(List<Step> steps, ToDoubleFunction<Step> value) {
    double[] sorted = steps.stream().mapToDouble(value).sorted().toArray();
    return sorted.length == 0 ? Double.NaN : sorted[sorted.length / 2];
  }

  private static Divergence divergence(OpError e) {
    return new Divergence(
        e.index(),
        e.op().kind(),
        e.tensor().name(),
        e.tolerance().describe(e.tolerance().error(e.difference())),
        e.tolerance().describe(e.tolerance().limit()));
  }

  /** The time of a device's steps as a multiple of the first device's. */
  public double ratio(DeviceResult device) {
    return device.stepMs() / devices.getFirst().stepMs();
  }

  /**
   * Whether {@link #ratio} says little: it may be 1, or its repeats lie far apart, or nobody knows
   * how far.
   */
  public boolean isRatioNoise(DeviceResult device) {
    DeviceResult first = devices.getFirst();
    return !device.equals(first)
        && device
            .spread()
            .step()
            .flatMap(range -> first.spread().step().map(range::over))
            .map(range -> range.has(1) || range.isWide(ratio(device)))
            .orElse(true);
  }

  /** The largest difference of a loss from the reference's at the same step. */
  public double lossDifference(DeviceResult device) {
    List<Double> reference = devices.getFirst().losses();
    double most = 0;
    for (int i = 0; i < Math.min(reference.size(), device.losses().size()); i++) {
      most = Math.max(most, Math.abs(reference.get(i) - device.losses().get(i)));
    }
    return most;
  }

  /** The kinds of op by the time that each takes on its slowest device, the longest first. */
  public List<String> kindsByTime() {
    Map<String, Double> times = new TreeMap<>();
    devices.forEach(d -> d.kinds().forEach((kind, ms) -> times.merge(kind, ms, Math::max)));
    return times.entrySet().stream()
        .sorted(Map.Entry.<String, Double>comparingByValue().reversed())
        .map(Map.Entry::getKey)
        .toList();
  }

  /** This comparison with devices of others, which were measured elsewhere, beside its own. */
  public Comparison with(List<DeviceResult> more) {
    List<DeviceResult> all = new ArrayList<>(devices);
    all.addAll(more);
    return new Comparison(model, batch, sequence, steps, List.copyOf(all));
  }
}
