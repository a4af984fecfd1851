package dev.anneal.training;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.Device;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.optimizer.Optimizer;
import dev.anneal.plan.Arena;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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
   * An update to be made.
   *
   * @param firstBatch index of the step's first micro-batch
   * @param step counts updates from 1; AdamW's bias correction depends on it
   */
  public record Update(Batches batches, long firstBatch, int step, double learningRate) {}

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

  /** Evaluations that are told to the device before it is waited for. */
  private static final int QUEUED = 16;

  private final Device device;
  private final TrainingPlans plans;
  private final Optimizer optimizer;
  private final long seed;
  private final Map<Arena, Memory> memory = new EnumMap<>(Arena.class);
  private final ModelState state;
  private Programs programs;
  private boolean timed;

  /** The update whose gradients the device was told already, after all else. */
  private Optional<Update> ahead = Optional.empty();

  /** Whether the host has written parameters since the copies of them were made. */
  private boolean stale = true;

  private boolean intact = true;

  private final StagedInputs inputs;

  /** What comes of two steps in turn: one's numbers are read while the device makes the other's. */
  private final List<Readings> results = new ArrayList<>();

  private final Readings losses;

  /** What its updates are by. */
  public Optimizer optimizer() {
    return optimizer;
  }

  /** For plans that need no random numbers, or do with any. */
  public Trainer(Device device, TrainingPlans plans, Optimizer optimizer) {
    this(device, plans, optimizer, 0);
  }

  /**
   * @param seed of what is rounded stochastically
   */
  public Trainer(Device device, TrainingPlans plans, Optimizer optimizer, long seed) {
    this.seed = seed;
    this.device = device;
    this.plans = plans;
    this.optimizer = optimizer;
    this.inputs = new StagedInputs(device, plans);
    try {
      for (int i = 0; i < 2; i++) {
        results.add(new Readings(device, plans.microSteps().size() + 1));
      }
      this.losses = new Readings(device, QUEUED);
    } catch (RuntimeException e) {
      results.forEach(Readings::close);
      inputs.close();
      throw e;
    }
    try {
      plans.bytes().forEach((arena, bytes) -> memory.put(arena, device.allocate(arena, bytes)));
      Constants.write(plans.inputs().constants(), device, memory(Arena.INPUTS), plans.step());
      this.state = new ModelState(device, plans, memory);
      this.programs = Programs.compile(device, plans, memory);
    } catch (RuntimeException e) {
      // The device may be a live run's next one, and stay open.
      free();
      throw e;
    }
  }

  /**
   * Compiles every plan again, for kernels that the device was told to use meanwhile. When that
   * fails, the programs stay as they were.
   */
  public void compileAgain() {
    forgetAhead();
    Programs compiled = Programs.compile(device, plans, memory);
    programs.close();
    programs = compiled;
    if (timed) {
      keepTimings();
    }
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
   * One update, from a step's number and batches.
   *
   * @param step counts updates from 1; AdamW's bias correction depends on it
   * @param firstBatch index of the step's first micro-batch
   */
  public StepResult step(Batches batches, long firstBatch, int step, double learningRate) {
    return step(new Update(batches, firstBatch, step, learningRate), Optional.empty());
  }

  /**
   * One update. A device that works while the host goes on is told the gradients of the {@code
   * following} one before this one's results are waited for, so that it is busy while the host
   * reads them. The weights change no sooner by that: the following update itself is made when it
   * is asked for. What fails of its gradients, such as a bad batch, fails then.
   *
   * @param following what is asked for next, most likely; when it is not, its gradients are made in
   *     vain
   */
  public StepResult step(Update update, Optional<Update> following) {
    boolean gradientsAreThere = ahead.equals(Optional.of(update));
    ahead = Optional.empty();
    Readings own = results.getFirst();
    boolean done = false;
    boolean queued = false;
    try {
      if (!gradientsAreThere) {
        refreshCopies();
        enqueueGradients(update, own);
      }
      int count = plans.microSteps().size();
      boolean isWhole = programs.gradients().size() < count;
      if (isWhole) {
        feed(update, count - 1);
      }
      queued = true;
      programs.update().enqueue();
      if (isWhole) {
        enqueueLoss(count - 1, own);
      }
      result(plans.step(), plans.norm(), own, count);
      own.areEnqueued();
      goAhead(update, following);
      own.await("running " + plans.step().name());
      done = true;
    } finally {
      // Only the update changes the weights.
      intact = done || !queued || !programs.update().mayHaveUpdated();
    }
    inputs.areCopied(ahead.isPresent() ? plans.microSteps().size() : 0);
    int count = plans.microSteps().size();
    StepResult result = new StepResult(own.mean(count), own.get(count) / plans.lossScale());
    Collections.swap(results, 0, 1);
    if (!result.finite()) {
      makeGradientsAgain(update);
    }
    return result;
  }

  /** All but what the update's own program does. */
  private void enqueueGradients(Update update, Readings to) {
    for (int i = 0; i < programs.gradients().size(); i++) {
      feed(update, i);
      programs.gradients().get(i).enqueue();
      enqueueLoss(i, to);
    }
  }

  private void goAhead(Update update, Optional<Update> following) {
    if (!device.isAsynchronous()) {
      return;
    }
    if (following.isEmpty()) {
      inputs.readAhead(update.batches(), update.firstBatch() + plans.microSteps().size());
      return;
    }
    try {
      enqueueGradients(following.get(), results.getLast());
      ahead = following;
    } catch (RuntimeException e) {
      // They are made again when their update is asked for, and who asks is told.
    }
  }

  /** Whether the device was told the gradients of an update that was not asked for yet. */
  public boolean isAhead() {
    return ahead.isPresent();
  }

  /** The next thing is another one than the update that was thought to follow. */
  public void forgetAhead() {
    if (ahead.isPresent()) {
      ahead = Optional.empty();
      try {
        device.finish("running " + plans.step().name());
        inputs.areCopied(0);
      } catch (RuntimeException e) {
        // Whoever asks for something next is told.
      }
    }
  }

  /** So that who looks for what went wrong in a step sees its gradients, not the next one's. */
  private void makeGradientsAgain(Update update) {
    if (ahead.isPresent()) {
      forgetAhead();
      try {
        enqueueGradients(update, results.getFirst());
        device.finish("running " + plans.step().name());
        inputs.areCopied(0);
      } catch (RuntimeException e) {
        // What the step gave is more to the point.
      }
    }
  }

  private void enqueueLoss(int microStep, Readings to) {
    result(plans.microSteps().get(microStep), plans.loss(), to, microStep);
  }

  /** Has the device write a number of a plan's to the host. */
  private void result(Plan plan, Tensor tensor, Readings to, int index) {
    to.enqueue(memory(tensor.arena()), plan.layout().offset(tensor), index);
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
    forgetAhead();
    refreshCopies();
    double sum = 0;
    for (int from = 0; from < count; from += QUEUED) {
      int queued = Math.min(QUEUED, count - from);
      for (int i = 0; i < queued; i++) {
        feed(batches, from + i, Optional.empty());
        programs.evaluation().enqueue();
        result(plans.evaluation(), plans.loss(), losses, i);
      }
      losses.areEnqueued();
      losses.await("running " + plans.evaluation().name());
      inputs.areCopied(0);
      for (int i = 0; i < queued; i++) {
        sum += losses.get(i);
      }
    }
    return sum / count;
  }

  /**
   * Writes what a step's ops read from the inputs arena, and the copies of the parameters, without
   * running any.
   */
  public void prepare(Batches batches, long batch, int step, double learningRate) {
    forgetAhead();
    refreshCopies();
    Update update = new Update(batches, batch, step, learningRate);
    feedAndWait(batches, batch, Optional.of(schedule(update)));
  }

  private void refreshCopies() {
    if (stale) {
      programs.refresh().ifPresent(Program::run);
      stale = false;
    }
  }

  private StagedInputs.Schedule schedule(Update update) {
    return new StagedInputs.Schedule(
        (float) update.learningRate(),
        correction(optimizer.adamW().beta1(), update.step()),
        correction(optimizer.adamW().beta2(), update.step()),
        seed,
        update.step());
  }

  private static float correction(float beta, int step) {
    return (float) (1 - StrictMath.pow(beta, step));
  }

  private void feed(Update update, int microStep) {
    feed(update.batches(), update.firstBatch() + microStep, Optional.of(schedule(update)));
  }

  private void feed(Batches batches, long index, Optional<StagedInputs.Schedule> schedule) {
    inputs.enqueue(batches, index, schedule, memory(Arena.INPUTS));
  }

  private void feedAndWait(Batches batches, long index, Optional<StagedInputs.Schedule> schedule) {
    feed(batches, index, schedule);
    device.finish("copying inputs");
    inputs.areCopied(0);
  }

  /**
   * Copies all of {@code from} into a tensor that outlives a step, at byte {@code offset} in it.
   * Parameters are fp32 to whoever writes or reads them, however they are stored.
   */
  public void write(Tensor tensor, long offset, MemorySegment from) {
    forgetAhead();
    stale |= tensor.arena() == Arena.PARAMETERS;
    state.write(tensor, offset, from);
  }

  /** Fills {@code to} from a tensor that outlives a step, at byte {@code offset} in it. */
  public void read(Tensor tensor, long offset, MemorySegment to) {
    state.read(tensor, offset, to);
  }

  /** Fills {@code to} from a tensor as {@code plan}, which ran last, left it. */
  public void read(Plan plan, Tensor tensor, long offset, MemorySegment to) {
    state.read(plan, tensor, offset, to);
  }

  /**
   * Computes an activation again, or the gradient of one, as micro-batch {@code batch} gives it
   * with the weights as they are. Weights and moments stay; the gradients become that batch's as
   * far as the tensor needs them. Then {@link #read(Plan, Tensor, long, MemorySegment)} reads it
   * from the first micro-step's plan.
   */
  public void computeAgain(Tensor activation, Batches batches, long batch) {
    forgetAhead();
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

  /** Copies parameters and moments from another trainer of the same model. */
  public void copyState(Trainer from) {
    forgetAhead();
    stale = true;
    state.copy(from.state);
  }

  /** Asks for {@link #takeMillis} of the steps from now on. */
  public void keepTimings() {
    timed = true;
    programs.keepTimings();
  }

  /**
   * Milliseconds of a step by kind of op: the mean of those since the last call, where the device
   * times every one; zeros on a device where times cost some and {@link #keepTimings} was not
   * called before.
   */
  public Map<String, Double> takeMillis() {
    Map<String, Double> millis = programs.millis();
    if (ahead.isEmpty()) {
      programs.resetTimings();
    }
    return millis;
  }

  @Override
  public void close() {
    forgetAhead();
    programs.close();
    free();
  }

  private void free() {
    memory.values().forEach(Memory::close);
    results.forEach(Readings::close);
    losses.close();
    inputs.close();
  }
}
