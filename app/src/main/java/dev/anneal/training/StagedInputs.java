package dev.anneal.training;

import dev.anneal.device.Device;
import dev.anneal.device.HostMemory;
import dev.anneal.plan.Arena;
import dev.anneal.plan.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the host writes before each run of a plan: all of the inputs arena, which is copied at once,
 * since a copy costs a device more than its bytes. There are several, so that the next is filled
 * while a device has not yet copied the one before.
 */
final class StagedInputs implements AutoCloseable {
  /** With more micro-steps than these, the device is waited for every so many. */
  private static final int MOST = 8;

  /**
   * What changes with the step.
   *
   * @param correction1 1 - beta1^step
   * @param correction2 1 - beta2^step
   */
  record Schedule(float learningRate, float correction1, float correction2, long seed, int step) {}

  /** The batch that a stage holds beyond what the device was told of. */
  private record Ahead(Trainer.Batches batches, long index, int stage) {}

  private final Device device;
  private final TrainingPlans plans;
  private final List<HostMemory> stages = new ArrayList<>();
  private final int[] tokens;
  private final int[] targets;
  private int current;
  private int uncopied;
  private Optional<Ahead> ahead = Optional.empty();
  private Optional<Schedule> last = Optional.empty();

  /**
   * @throws dev.anneal.failure.Failure when there is no room
   */
  StagedInputs(Device device, TrainingPlans plans) {
    this.device = device;
    this.plans = plans;
    int batchTokens = (int) plans.inputs().tokens().elements();
    this.tokens = new int[batchTokens];
    this.targets = new int[batchTokens];
    int count = device.isAsynchronous() ? Math.min(MOST, plans.microSteps().size() + 1) : 1;
    try {
      for (int i = 0; i < count; i++) {
        HostMemory stage = device.allocateHost(plans.step().layout().bytes(Arena.INPUTS));
        stage.segment().fill((byte) 0);
        stages.add(stage);
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /**
   * The inputs of a batch, which stay as they are until {@link #areCopied} is called, or as many
   * were asked for as there are.
   *
   * @param schedule the last one where none is given
   */
  MemorySegment next(Trainer.Batches batches, long index, Optional<Schedule> schedule) {
    int stage = (current + 1) % stages.size();
    boolean isRead =
        ahead
            .filter(it -> it.batches == batches && it.index == index && it.stage == stage)
            .isPresent();
    ahead = Optional.empty();
    if (uncopied == stages.size()) {
      device.finish("copying inputs");
      uncopied = 0;
    }
    if (!isRead) {
      fill(stage, batches, index);
    }
    current = stage;
    uncopied++;
    schedule.ifPresent(now -> last = schedule);
    last.ifPresent(this::write);
    return stages.get(stage).segment();
  }

  /** Reads a batch that will be wanted next, most likely, while the device is busy. */
  void readAhead(Trainer.Batches batches, long index) {
    if (uncopied < stages.size()) {
      int stage = (current + 1) % stages.size();
      try {
        fill(stage, batches, index);
        ahead = Optional.of(new Ahead(batches, index, stage));
      } catch (RuntimeException e) {
        // The step that wants it reads it again, and is told; the one under way is good.
      }
    }
  }

  /** The device was waited for. */
  void areCopied() {
    uncopied = 0;
  }

  private void fill(int stage, Trainer.Batches batches, long index) {
    batches.fill(index, tokens, targets);
    write(stage, plans.inputs().tokens(), tokens);
    write(stage, plans.inputs().targets(), targets);
  }

  private void write(Schedule schedule) {
    float[] rates = {schedule.learningRate, schedule.correction1, schedule.correction2};
    MemorySegment.copy(
        rates, 0, part(current, plans.inputs().schedule()), ValueLayout.JAVA_FLOAT, 0, 3);
    plans
        .inputs()
        .random()
        .ifPresent(
            random ->
                write(
                    current,
                    random,
                    new int[] {(int) schedule.seed, (int) (schedule.seed >>> 32), schedule.step}));
  }

  private void write(int stage, Tensor tensor, int[] values) {
    MemorySegment.copy(values, 0, part(stage, tensor), ValueLayout.JAVA_INT, 0, values.length);
  }

  private MemorySegment part(int stage, Tensor tensor) {
    return stages
        .get(stage)
        .segment()
        .asSlice(plans.step().layout().offset(tensor), tensor.bytes());
  }

  @Override
  public void close() {
    stages.forEach(HostMemory::close);
  }
}
