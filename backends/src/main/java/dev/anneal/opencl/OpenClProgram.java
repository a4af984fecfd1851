package dev.anneal.opencl;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.Memory;
import dev.anneal.device.OpTimings;
import dev.anneal.device.Program;
import dev.anneal.plan.Arena;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jocl.CL;
import org.jocl.CLException;
import org.jocl.Pointer;
import org.jocl.Sizeof;
import org.jocl.cl_event;
import org.jocl.cl_kernel;
import org.jocl.cl_mem;

/**
 * A plan as launches on one queue, in order: every launch has a kernel object of its own, whose
 * arguments are set once. Each launch leaves an event, whose two times are the op's timing.
 */
final class OpenClProgram implements Program {
  /** Launches after which the device is told to begin with them. */
  private static final int FLUSH = 64;

  private final OpenClDevice device;
  private final Plan plan;
  private final List<Bound> launches = new ArrayList<>();
  private final List<OpenClMemory> owned = new ArrayList<>();
  private final cl_event[] events;
  private final long[] nanos;
  private final long[] time = {0};
  private long runs;

  /** A launch with its arguments in place. */
  private record Bound(int op, Launch launch, cl_kernel kernel, long[] global, long[] local) {}

  OpenClProgram(
      OpenClDevice device, Plan plan, Map<Arena, Memory> memory, KernelVersions versions) {
    this.device = device;
    this.plan = plan;
    this.nanos = new long[plan.ops().size()];
    try {
      List<Launches> ops = plan.ops().stream().map(op -> OpLaunches.of(op, versions)).toList();
      OpenClMemory workspace = own("the workspace", workspaceBytes(ops));
      for (int i = 0; i < ops.size(); i++) {
        for (Launch launch : ops.get(i).list()) {
          launches.add(bind(i, launch, memory, workspace));
        }
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
    this.events = new cl_event[launches.size()];
  }

  /** Bytes of workspace: what the neediest op needs, since they run one after the other. */
  static long workspaceBytes(List<Launches> ops) {
    return 4 * ops.stream().mapToLong(Launches::workspaceFloats).max().orElse(0);
  }

  private OpenClMemory own(String what, long bytes) {
    OpenClMemory memory = device.allocate(what, bytes);
    owned.add(memory);
    return memory;
  }

  private Bound bind(int op, Launch launch, Map<Arena, Memory> memory, OpenClMemory workspace) {
    cl_kernel kernel = device.compiler().kernel(launch);
    Grid grid = launch.grid();
    Bound bound =
        new Bound(
            op,
            launch,
            kernel,
            new long[] {grid.columns(), grid.rows()},
            new long[] {grid.groupColumns(), grid.groupRows()});
    int index = 0;
    for (Argument argument : launch.arguments()) {
      index =
          switch (argument) {
            case Argument.Data(Tensor tensor, long first) ->
                place(kernel, index, tensor, first, memory);
            case Argument.Activations(Tensor tensor, long first) ->
                place(kernel, index, tensor, first, memory);
            case Argument.Workspace(long first) -> place(kernel, index, workspace.buffer(), first);
            case Argument.ArenaOf(Tensor tensor) -> {
              Memory arena = requireNonNull(memory.get(tensor.arena()));
              yield set(kernel, index, Sizeof.cl_mem, Pointer.to(OpenClDevice.buffer(arena)));
            }
            case Argument.Tiles tiles ->
                set(kernel, index, Sizeof.cl_mem, Pointer.to(table(tiles).buffer()));
            case Argument.Int(int value) ->
                set(kernel, index, Sizeof.cl_int, Pointer.to(new int[] {value}));
            case Argument.Long(long value) ->
                set(kernel, index, Sizeof.cl_ulong, Pointer.to(new long[] {value}));
            case Argument.Real(float value) ->
                set(kernel, index, Sizeof.cl_float, Pointer.to(new float[] {value}));
          };
    }
    return bound;
  }

  private OpenClMemory table(Argument.Tiles tiles) {
    long[] rows = new long[Math.toIntExact(2 * tiles.count())];
    int row = 0;
    for (Tensor tensor : tiles.tensors()) {
      long begin = plan.layout().offset(tensor) / tensor.dtype().bytes();
      for (long from = 0; from < tensor.elements(); from += tiles.size()) {
        rows[row++] = begin + from;
        rows[row++] = Math.min(tiles.size(), tensor.elements() - from);
      }
    }
    OpenClMemory table = own("tables of gradients", 8L * rows.length);
    device.copyIn(table, 0, MemorySegment.ofArray(rows));
    return table;
  }

  private int place(
      cl_kernel kernel, int index, Tensor tensor, long first, Map<Arena, Memory> memory) {
    Memory arena = requireNonNull(memory.get(tensor.arena()));
    long begin = plan.layout().offset(tensor) / tensor.dtype().bytes();
    return place(kernel, index, OpenClDevice.buffer(arena), begin + first);
  }

  /** A buffer and the index of the first element in it. */
  private static int place(cl_kernel kernel, int index, cl_mem buffer, long first) {
    int next = set(kernel, index, Sizeof.cl_mem, Pointer.to(buffer));
    return set(kernel, next, Sizeof.cl_ulong, Pointer.to(new long[] {first}));
  }

  private static int set(cl_kernel kernel, int index, long size, Pointer value) {
    CL.clSetKernelArg(kernel, index, size, value);
    return index + 1;
  }

  @Override
  public Plan plan() {
    return plan;
  }

  @Override
  public void run() {
    int enqueued = 0;
    try {
      for (; enqueued < events.length; enqueued++) {
        Bound launch = launches.get(enqueued);
        cl_event event = new cl_event();
        CL.clEnqueueNDRangeKernel(
            device.queue(), launch.kernel, 2, null, launch.global, launch.local, 0, null, event);
        events[enqueued] = event;
        if (enqueued % FLUSH == FLUSH - 1) {
          CL.clFlush(device.queue());
        }
      }
      CL.clFinish(device.queue());
      for (int i = 0; i < enqueued; i++) {
        nanos[launches.get(i).op] +=
            time(events[i], CL.CL_PROFILING_COMMAND_END)
                - time(events[i], CL.CL_PROFILING_COMMAND_START);
      }
      runs++;
    } catch (CLException e) {
      if (enqueued < events.length && OpenClFailures.refusesGroup(e)) {
        throw OpenClFailures.group(launches.get(enqueued).launch, device.limits());
      }
      throw OpenClFailures.lost("running " + doing(enqueued), device.limits(), e);
    } finally {
      release(enqueued);
    }
  }

  private String doing(int enqueued) {
    return enqueued < launches.size()
        ? plan.ops().get(launches.get(enqueued).op).kind() + " of " + plan.name()
        : plan.name();
  }

  private long time(cl_event event, int what) {
    CL.clGetEventProfilingInfo(event, what, Sizeof.cl_ulong, Pointer.to(time), null);
    return time[0];
  }

  private void release(int count) {
    for (int i = 0; i < count; i++) {
      CL.clReleaseEvent(events[i]);
    }
  }

  @Override
  public OpTimings timings() {
    return new OpTimings(plan.ops(), nanos.clone(), runs);
  }

  @Override
  public void resetTimings() {
    Arrays.fill(nanos, 0);
    runs = 0;
  }

  @Override
  public void close() {
    launches.forEach(launch -> CL.clReleaseKernel(launch.kernel));
    launches.clear();
    owned.forEach(OpenClMemory::close);
    owned.clear();
  }
}
