package dev.anneal.trust;

import dev.anneal.device.Availability;
import dev.anneal.device.Backend;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.eval.DeviceOnCpu;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ChunkedClassifier;
import dev.anneal.plan.DType;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Rewrite;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The CPU with a GPU's wishes: logits in chunks, and copies of the weights. It keeps what it was
 * told to compile while {@link #during} lasts, and is missing otherwise.
 */
public final class RecordingBackend implements Backend {
  private static final List<Plan> PLANS = new CopyOnWriteArrayList<>();
  private static volatile boolean present;

  /** The plans that are compiled while {@code action} runs. */
  public static List<Plan> during(Runnable action) {
    PLANS.clear();
    present = true;
    try {
      action.run();
      return new ArrayList<>(PLANS);
    } finally {
      present = false;
    }
  }

  @Override
  public String name() {
    return "recording";
  }

  @Override
  public Availability probe() {
    return present
        ? new Availability.Available(List.of(info()))
        : new Availability.Missing("it is for one test");
  }

  private static DeviceInfo info() {
    return new DeviceInfo("recording", 0, "CPU that keeps plans", "for tests", 1L << 34);
  }

  @Override
  public Device open(DeviceInfo device, DeviceOptions options) {
    return new RecordingDevice(options);
  }

  private static final class RecordingDevice extends DeviceOnCpu {
    RecordingDevice(DeviceOptions options) {
      super(options);
    }

    @Override
    public DeviceInfo info() {
      return RecordingBackend.info();
    }

    @Override
    public List<Rewrite> rewrites() {
      return List.of(new ChunkedClassifier(ChunkedClassifier.MULTIPLE));
    }

    @Override
    public Optional<DType> weightCopies(Precision precision) {
      return Optional.of(DType.F32);
    }

    @Override
    public Program compile(Plan plan, Map<Arena, Memory> memory) {
      PLANS.add(plan);
      return cpu.compile(plan, memory);
    }
  }
}
