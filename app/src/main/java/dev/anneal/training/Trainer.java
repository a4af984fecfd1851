package dev.anneal.training;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.Device;
import dev.anneal.device.HostMemory;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.plan.DType;
import dev.anneal.plan.Elements;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The plans of a model on one device: allocates the arenas, compiles, and runs steps. All memory is
 * taken in the constructor; a step allocates nothing.
 */
public final class Trainer implements AutoCloseable {

  /** Where the tokens of a step come from. */
  @FunctionalInterface
  public interface Batches {
    /** Fills tokens and targets, both (B,T), with micro-batch {@code index} of this run. */
    void fill(long index, int[] tokens, int[] targets);
  }

  /**
   * What a step reports.
   *
   * @param loss in nats per token, the mean over micro-steps, before the update
   * @param gradientNorm before clipping
   */
  public record StepResult(double loss, double gradientNorm) {
    /** Whether the update was made; otherwise the weights are as they were. */
    public boolean finite() {
      return Double.isFinite(loss) && Double.isFinite(gradientNorm);
    }
  }

  private static final int CHUNK = 1 << 22;

  /** Evaluations that are told to the device before it is waited for. */
  private static final int QUEUED = 16;

  private final Device device;
  private final TrainingPlans plans;
  private final AdamWSettings adamW;
  private final long seed;
  private final Map<Arena, Memory> memory = new EnumMap<>(Arena.class);
  private Programs programs;

  /** Whether the host has written parameters since the copies of them were made. */
  private boolean stale = true;

  private boolean intact = true;

  private final StagedInputs inputs;
  private final HostMemory scalars;

  /** For plans that need no random numbers, or do with any. */
  public Trainer(Device device, TrainingPlans plans, AdamWSettings adamW) {
    this(device, plans, adamW, 0);
  }

  /**
   * @param seed of what is rounded stochastically
   */
  public Trainer(Device device, TrainingPlans plans, AdamWSettings adamW, long seed) {
    this.seed = seed;
    this.device = device;
    this.plans = plans;
    this.adamW = adamW;
    this.inputs = new StagedInputs(device, plans);
    try {
      this.scalars =
          device.allocateHost(Float.BYTES * (1L + Math.max(plans.microSteps().size(), QUEUED)));
    } catch (RuntimeException e) {
      inputs.close();
      throw e;
    }
    try {
      plans.bytes().forEach((arena, bytes) -> memory.put(arena, device.allocate(arena, bytes)));
      this.programs = Programs.compile(device, plans, memory);
    } catch (RuntimeException e) {
      // The device may be a live run's next one, and stay open.
      free();
      throw e;
    }
  }

  /** The plans, compiled; micro-steps that are the same plan are the same program. */
  private record Programs(List<Program> microSteps, Program evaluation, Optional<Program> refresh)
      implements AutoCloseable {

    /** Compiles all, or closes what it has compiled and fails. */
    static Programs compile(Device device, TrainingPlans plans, Map<Arena, Memory> memory) {
      Map<Plan, Program> compiled = new IdentityHashMap<>();
      try {
        // Whose scratch is the largest comes first, so that all others find theirs in it.
        for (Plan plan : largestFirst(device, plans.all())) {
          compiled.put(plan, device.compile(plan, memory));
        }
        return new Programs(
            plans.microSteps().stream().map(plan -> requireNonNull(compiled.get(plan))).toList(),
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

    List<Program> distinctMicroSteps() {
      return microSteps.stream().distinct().toList();
    }

    @Override
    public void close() {
      distinctMicroSteps().forEach(Program::close);
      evaluation.close();
      refresh.ifPresent(Program::close);
    }
  }

  /**
   * Compiles every plan again, for kernels that the device was told to use meanwhile. When that
   * fails, the programs stay as they were.
   */
  public void compileAgain() {
    Programs compiled = Programs.compile(device, plans, memory);
    programs.close();
    programs = compiled;
  }

  public Device device() {
    return device;
  }

  public TrainingPlans plans() {
    return plans;
  }

  /** All arenas. */
  public Map<Arena, Memory> memory() {
    return Map.copyOf(memory);
  }

  /** The arena that the parameters are in, to compile other plans on. */
  public Memory memory(Arena arena) {
    return requireNonNull(memory.get(arena));
  }

  /**
   * One update.
   *
   * @param step counts updates from 1; AdamW's bias correction depends on it
   * @param firstBatch index of the step's first micro-batch
   */
  public StepResult step(Batches batches, long firstBatch, int step, double learningRate) {
    refreshCopies();
    List<Program> microSteps = programs.microSteps();
    Program last = microSteps.getLast();
    int count = microSteps.size();
    boolean done = false;
    boolean queued = false;
    try {
      for (int i = 0; i < count; i++) {
        feed(batches, firstBatch + i, schedule(step, learningRate));
        queued = i == count - 1;
        microSteps.get(i).enqueue();
        result(plans.microSteps().get(i), plans.loss(), i);
      }
      result(plans.step(), plans.norm(), count);
      inputs.readAhead(batches, firstBatch + count);
      device.finish("running " + plans.step().name());
      done = true;
    } finally {
      // Only the last one changes the weights.
      intact = done || !queued || !last.mayHaveUpdated();
      inputs.areCopied();
    }
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += scalar(i);
    }
    return new StepResult(sum / count, scalar(count) / plans.lossScale());
  }

  /** Has the device write a number of a plan's to the host. */
  private void result(Plan plan, Tensor tensor, int index) {
    device.enqueueCopyOut(
        memory(tensor.arena()),
        place(plan, tensor),
        scalars.segment().asSlice((long) Float.BYTES * index, Float.BYTES));
  }

  /** One that has come. */
  private double scalar(int index) {
    return scalars.segment().getAtIndex(ValueLayout.JAVA_FLOAT, index);
  }

  /** Whether no update was broken off: what can be read are the weights of a whole step. */
  public boolean isIntact() {
    return intact;
  }

  /** All parameters and moments were written anew. */
  public void isRestored() {
    intact = true;
  }

  /** The mean loss over {@code count} batches, which are weighted equally. */
  public double evaluate(Batches batches, int count) {
    refreshCopies();
    double sum = 0;
    for (int from = 0; from < count; from += QUEUED) {
      int queued = Math.min(QUEUED, count - from);
      try {
        for (int i = 0; i < queued; i++) {
          feed(batches, from + i, Optional.empty());
          programs.evaluation().enqueue();
          result(plans.evaluation(), plans.loss(), i);
        }
        device.finish("running " + plans.evaluation().name());
      } finally {
        inputs.areCopied();
      }
      for (int i = 0; i < queued; i++) {
        sum += scalar(i);
      }
    }
    return sum / count;
  }

  /**
   * Writes what a step's ops read from the inputs arena, and the copies of the parameters, without
   * running any.
   */
  public void prepare(Batches batches, long batch, int step, double learningRate) {
    refreshCopies();
    feedAndWait(batches, batch, Optional.of(schedule(step, learningRate)));
  }

  private void refreshCopies() {
    if (stale) {
      programs.refresh().ifPresent(Program::run);
      stale = false;
    }
  }

  private StagedInputs.Schedule schedule(int step, double learningRate) {
    return new StagedInputs.Schedule(
        (float) learningRate,
        correction(adamW.beta1(), step),
        correction(adamW.beta2(), step),
        seed,
        step);
  }

  private static float correction(float beta, int step) {
    return (float) (1 - StrictMath.pow(beta, step));
  }

  private void feed(Batches batches, long index, StagedInputs.Schedule schedule) {
    feed(batches, index, Optional.of(schedule));
  }

  private void feed(Batches batches, long index, Optional<StagedInputs.Schedule> schedule) {
    device.enqueueCopyIn(memory(Arena.INPUTS), 0, inputs.next(batches, index, schedule));
  }

  private void feedAndWait(Batches batches, long index, Optional<StagedInputs.Schedule> schedule) {
    feed(batches, index, schedule);
    device.finish("copying inputs");
    inputs.areCopied();
  }

  /**
   * Copies all of {@code from} into a tensor that outlives a step, at byte {@code offset} in it.
   * Parameters are fp32 to whoever writes or reads them, however they are stored.
   */
  public void write(Tensor tensor, long offset, MemorySegment from) {
    stale |= tensor.arena() == Arena.PARAMETERS;
    Tensor stored = stored(tensor);
    long at = place(plans.step(), stored);
    if (stored.equals(tensor)) {
      device.copyIn(memory(tensor.arena()), at + offset, from);
      return;
    }
    try (var narrow = java.lang.foreign.Arena.ofConfined()) {
      long elements = from.byteSize() / Float.BYTES;
      MemorySegment part = narrow.allocate(elements * stored.dtype().bytes(), 64);
      for (long i = 0; i < elements; i++) {
        Elements.set(part, stored.dtype(), i, Elements.get(from, DType.F32, i));
      }
      device.copyIn(
          memory(tensor.arena()), at + offset / Float.BYTES * stored.dtype().bytes(), part);
    }
  }

  private Tensor stored(Tensor tensor) {
    return tensor.arena() == Arena.PARAMETERS ? plans.storage().precision().stored(tensor) : tensor;
  }

  /** Fills {@code to} from a tensor that outlives a step, at byte {@code offset} in it. */
  public void read(Tensor tensor, long offset, MemorySegment to) {
    Tensor stored = stored(tensor);
    if (stored.equals(tensor)) {
      read(plans.step(), tensor, offset, to);
      return;
    }
    try (var narrow = java.lang.foreign.Arena.ofConfined()) {
      long elements = to.byteSize() / Float.BYTES;
      MemorySegment part = narrow.allocate(elements * stored.dtype().bytes(), 64);
      read(plans.step(), stored, offset / Float.BYTES * stored.dtype().bytes(), part);
      for (long i = 0; i < elements; i++) {
        Elements.set(to, DType.F32, i, Elements.get(part, stored.dtype(), i));
      }
    }
  }

  /** Fills {@code to} from a tensor as {@code plan}, which ran last, left it. */
  public void read(Plan plan, Tensor tensor, long offset, MemorySegment to) {
    device.copyOut(memory(tensor.arena()), place(plan, tensor) + offset, to);
  }

  /**
   * Computes an activation again, or the gradient of one, as micro-batch {@code batch} gives it
   * with the weights as they are. Weights and moments stay; the gradients become that batch's as
   * far as the tensor needs them. Then {@link #read(Plan, Tensor, long, MemorySegment)} reads it
   * from the first micro-step's plan.
   */
  public void computeAgain(Tensor activation, Batches batches, long batch) {
    Plan first = plans.microSteps().getFirst();
    int last = 0;
    while (!first.ops().get(last).writes().contains(activation)) {
      last++;
    }
    Plan upTo = first.part("inspect", first.ops().subList(0, last + 1), List.of(activation));
    refreshCopies();
    feedAndWait(batches, batch, Optional.empty());
    try (Program program = device.compile(upTo, memory)) {
      program.run();
    }
  }

  private static long place(Plan plan, Tensor tensor) {
    return plan.layout().offset(tensor);
  }

  /** Copies parameters and moments from another trainer of the same model. */
  public void copyState(Trainer from) {
    stale = true;
    Precision here = plans.storage().precision();
    Precision there = from.plans.storage().precision();
    if (here.parameters() == there.parameters()) {
      copyArena(from, Arena.PARAMETERS);
    } else {
      copyParameters(from);
    }
    copyArena(from, Arena.OPTIMIZER);
  }

  private void copyArena(Trainer from, Arena state) {
    try (var arena = java.lang.foreign.Arena.ofConfined()) {
      MemorySegment chunk = arena.allocate(CHUNK, 64);
      long bytes = Math.min(memory(state).bytes(), from.memory(state).bytes());
      for (long at = 0; at < bytes; at += CHUNK) {
        MemorySegment part = chunk.asSlice(0, Math.min(CHUNK, bytes - at));
        from.device.copyOut(from.memory(state), at, part);
        device.copyIn(memory(state), at, part);
      }
    }
  }

  /** As fp32, one by one. */
  private void copyParameters(Trainer from) {
    try (var arena = java.lang.foreign.Arena.ofConfined()) {
      MemorySegment chunk = arena.allocate(CHUNK, 64);
      ArenaLayout parameters = requireNonNull(plans.step().layout().arenas().get(Arena.PARAMETERS));
      for (Tensor stored : parameters.offsets().keySet()) {
        Tensor tensor = stored.as(DType.F32);
        for (long at = 0; at < tensor.bytes(); at += CHUNK) {
          MemorySegment part = chunk.asSlice(0, Math.min(CHUNK, tensor.bytes() - at));
          from.read(tensor, at, part);
          write(tensor, at, part);
        }
      }
    }
  }

  /** Milliseconds by kind of op, over all micro-steps since the last call. */
  public Map<String, Double> takeMillis() {
    Map<String, Double> millis = new TreeMap<>();
    for (Program program : programs.distinctMicroSteps()) {
      program
          .timings()
          .byKind()
          .forEach((kind, nanos) -> millis.merge(kind, nanos / 1e6, Double::sum));
      program.resetTimings();
    }
    return millis;
  }

  @Override
  public void close() {
    programs.close();
    free();
  }

  private void free() {
    memory.values().forEach(Memory::close);
    scalars.close();
    inputs.close();
  }
}
