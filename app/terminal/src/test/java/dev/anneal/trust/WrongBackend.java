package dev.anneal.trust;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.Availability;
import dev.anneal.device.Backend;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.KernelFamily;
import dev.anneal.device.Memory;
import dev.anneal.device.OpTimings;
import dev.anneal.device.Program;
import dev.anneal.eval.DeviceOnCpu;
import dev.anneal.failure.Failure;
import dev.anneal.plan.Arena;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The CPU with a kernel that has a right version, one that is slightly off in one element, and one
 * that leaves the last element out: what bench and compare must find. A fourth does not compile,
 * and a fifth takes its time.
 */
public final class WrongBackend implements Backend {
  static final String KERNEL = "gelu_forward";
  private static final KernelFamily FAMILY =
      KernelFamily.of(
          KERNEL, Op.GeluForward.class, "right", "one element off", "last element left out");

  /** Not listed among the versions, so that a bench does not try them. */
  private static final int DOES_NOT_COMPILE = 4;

  private static final int SLOW = 5;
  private static final int SLOW_MILLIS = 150;

  private static final AtomicBoolean usedAfterClose = new AtomicBoolean();

  @Override
  public String name() {
    return "wrong";
  }

  @Override
  public Availability probe() {
    return new Availability.Available(
        List.of(new DeviceInfo("wrong", 0, "CPU with wrong kernels", "for tests", 1L << 34)));
  }

  @Override
  public Device open(DeviceInfo device, DeviceOptions options) {
    return new WrongDevice(device, options);
  }

  /** Whether anything was asked of a device that was closed. */
  public static boolean wasUsedAfterClose() {
    return usedAfterClose.get();
  }

  private static final class WrongDevice extends DeviceOnCpu {
    private final DeviceInfo info;
    private final Map<String, Integer> versions = new TreeMap<>(Map.of(KERNEL, 1));
    private volatile boolean closed;

    WrongDevice(DeviceInfo info, DeviceOptions options) {
      super(options);
      this.info = info;
      versions.putAll(options.kernels());
    }

    private void requireOpen() {
      if (closed) {
        usedAfterClose.set(true);
        throw new IllegalStateException("the device is closed");
      }
    }

    @Override
    public DeviceInfo info() {
      return info;
    }

    @Override
    public List<KernelFamily> kernels() {
      return List.of(FAMILY);
    }

    @Override
    public Map<String, Integer> kernelVersions() {
      return Map.copyOf(versions);
    }

    @Override
    public void chooseKernels(Map<String, Integer> chosen) {
      versions.putAll(chosen);
    }

    @Override
    public Program compile(Plan plan, Map<Arena, Memory> memory) {
      requireOpen();
      int version = requireNonNull(versions.get(KERNEL));
      if (version == DOES_NOT_COMPILE
          && plan.ops().stream().anyMatch(Op.GeluForward.class::isInstance)) {
        throw Failure.failed(KERNEL + " v" + version + " does not compile");
      }
      return new WrongProgram(this, cpu.compile(plan, memory), memory, version);
    }

    @Override
    public void copyIn(Memory to, long offset, MemorySegment from) {
      requireOpen();
      cpu.copyIn(to, offset, from);
    }

    @Override
    public void copyOut(Memory from, long offset, MemorySegment to) {
      requireOpen();
      cpu.copyOut(from, offset, to);
    }

    @Override
    public void close() {
      closed = true;
      cpu.close();
    }
  }

  private record WrongProgram(
      WrongDevice device, Program right, Map<Arena, Memory> memory, int version)
      implements Program {
    @Override
    public Plan plan() {
      return right.plan();
    }

    @Override
    public void run() {
      right.run();
      for (Op op : plan().ops()) {
        if (op instanceof Op.GeluForward gelu) {
          switch (version) {
            case 2, 3 -> spoil(gelu.out());
            case SLOW -> rest();
            default -> {}
          }
        }
      }
    }

    private static void rest() {
      try {
        Thread.sleep(SLOW_MILLIS);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }

    private void spoil(Tensor tensor) {
      long element = version == 2 ? tensor.elements() / 2 : tensor.elements() - 1;
      long at = plan().layout().offset(tensor) + 4 * element;
      try (var host = java.lang.foreign.Arena.ofConfined()) {
        MemorySegment value = host.allocate(ValueLayout.JAVA_FLOAT);
        device.copyOut(memory.get(tensor.arena()), at, value);
        float right = value.get(ValueLayout.JAVA_FLOAT, 0);
        value.set(ValueLayout.JAVA_FLOAT, 0, version == 2 ? right + 1e-3f : Float.NaN);
        device.copyIn(memory.get(tensor.arena()), at, value);
      }
    }

    @Override
    public OpTimings timings() {
      return right.timings();
    }

    @Override
    public void resetTimings() {
      right.resetTimings();
    }

    @Override
    public void close() {
      right.close();
    }
  }
}
