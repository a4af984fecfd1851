package dev.anneal.training;

import dev.anneal.device.Device;
import dev.anneal.device.HostMemory;
import dev.anneal.device.Mark;
import dev.anneal.device.Memory;
import dev.anneal.plan.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the host writes before each run of a plan: the inputs arena up to its constants, copied at
 * once, since a copy costs a device more than its bytes. There are several, so that the next is
 * filled while a device has not yet copied the one before.
 */
final class StagedInputs implements AutoCloseable {
  /** With more micro-steps than these, the copy of the one so many before is waited for. */
  private static final int MOST = 16;

  /** One batch's inputs, and when the device has copied them. */
  private record Stage(HostMemory memory, Mark copied) implements AutoCloseable {
    @Override
    public void close() {
      copied.close();
      memory.close();
    }
  }

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
  private final List<Stage> stages = new ArrayList<>();
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
    int count = device.isAsynchronous() ? Math.min(MOST, 2 * plans.microSteps().size()) : 1;
    try {
      for (int i = 0; i < count; i++) {
        stages.add(stage());
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private Stage stage() {
    HostMemory memory = device.allocateHost(plans.changingInputBytes());
    memory.segment().fill((byte) 0);
    try {
      return new Stage(memory, device.mark());
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
  }

  /**
   * Has the device copy the inputs of a batch.
   *
   * @param schedule the last one where none is given
   */
  void enqueue(Trainer.Batches batches, long index, Optional<Schedule> schedule, Memory to) {
    int stage = (current + 1) % stages.size();
    boolean isRead =
        ahead
            .filter(it -> it.batches == batches && it.index == index && it.stage == stage)
            .isPresent();
    ahead = Optional.empty();
    if (uncopied == stages.size()) {
      stages.get(stage).copied.await("copying inputs");
      uncopied--;
    }
    if (!isRead) {
      fill(stage, batches, index);
    }
    current = stage;
    uncopied++;
    schedule.ifPresent(now -> last = schedule);
    last.ifPresent(this::write);
    device.enqueueCopyIn(to, 0, stages.get(stage).memory.segment());
    stages.get(stage).copied.set();
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

  /**
   * The device was waited for.
   *
   * @param but the last ones, which it may not have copied yet
   */
  void areCopied(int but) {
    uncopied = Math.min(uncopied, but);
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
    return part(stages.get(stage).memory, tensor);
  }

  private MemorySegment part(HostMemory memory, Tensor tensor) {
    return memory.segment().asSlice(plans.step().layout().offset(tensor), tensor.bytes());
  }

  @Override
  public void close() {
    stages.forEach(Stage::close);
  }
}
