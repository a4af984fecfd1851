package dev.anneal.opencl;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.Memory;
import dev.anneal.device.OpTimings;
import dev.anneal.device.Program;
import dev.anneal.launch.Argument;
import dev.anneal.launch.Command;
import dev.anneal.launch.Launch;
import dev.anneal.launch.OpLaunches;
import dev.anneal.launch.OpenClContext;
import dev.anneal.launch.Place;
import dev.anneal.plan.Arena;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.jocl.CL;
import org.jocl.CLException;
import org.jocl.Pointer;
import org.jocl.Sizeof;
import org.jocl.cl_command_queue;
import org.jocl.cl_event;
import org.jocl.cl_kernel;
import org.jocl.cl_mem;

/**
 * A plan as launches on one queue, in order: every launch has a kernel object of its own, whose
 * arguments are set once. Where times are asked for, in the first two runs from then on and in one
 * of {@value #TIMED_EVERY}, the queue is another, each launch leaves an event, and its two times
 * are the op's timing; {@link #timings} takes the runs between to have gone as the last of those.
 * They are asked for by {@link #keepTimings}, and by a run in which a launch may have taken longer
 * than it may.
 */
final class OpenClProgram implements Program {
  /** Launches after which the device is told to begin with them. */
  static final int FLUSH = 64;

  private static final int TIMED_EVERY = 64;

  private final OpenClDevice device;
  private final Plan plan;
  private final LaunchParts launches;
  private final List<OpenClMemory> owned = new ArrayList<>();
  private final List<cl_kernel> kernels = new ArrayList<>();
  private final List<cl_event> events = new ArrayList<>();
  private final long[] nanos;
  private final long[] time = {0};
  private boolean timed;

  /** Runs since times were asked for; negative where they were not. */
  private long asked = -1;

  private long runs;

  OpenClProgram(OpenClDevice device, Plan plan, Map<Arena, Memory> memory, OpenClContext context) {
    this.device = device;
    this.plan = plan;
    this.nanos = new long[plan.ops().size()];
    this.launches = new LaunchParts(device.pace());
    try {
      List<List<Command>> ops = launches(plan, context);
      OpenClMemory workspace = own("the workspace", context.workspace().bytes());
      for (int i = 0; i < ops.size(); i++) {
        for (Command launch : ops.get(i)) {
          bind(i, (Launch) launch, memory, workspace);
        }
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** The launches of each op. */
  static List<List<Command>> launches(Plan plan, OpenClContext context) {
    List<List<Command>> launches = new ArrayList<>();
    for (OpLaunches.Group group : OpLaunches.groups(plan.ops(), context)) {
      launches.add(group.commands());
    }
    return launches;
  }

  private OpenClMemory own(String what, long bytes) {
    OpenClMemory memory = device.allocate(what, bytes);
    owned.add(memory);
    return memory;
  }

  /** How many times a run tells the device to launch something. */
  int launches() {
    return launches.all().size();
  }

  private void bind(int op, Launch launch, Map<Arena, Memory> memory, OpenClMemory workspace) {
    cl_kernel kernel = device.compiler().kernel(launch);
    kernels.add(kernel);
    launches.add(op, kernel, launch);
    int index = 0;
    for (Argument argument : launch.arguments()) {
      index =
          switch (argument) {
            case Place.Data(Tensor tensor, long first) ->
                place(kernel, index, tensor, first, memory);
            case Place.Activations(Tensor tensor, long first) ->
                place(kernel, index, tensor, first, memory);
            case Place.Scratch room ->
                place(kernel, index, workspace.buffer(), (room.from() + room.at()) / Float.BYTES);
            case Place.ArenaOf(Tensor tensor) -> {
              OpenClMemory arena = arena(memory, tensor.arena());
              yield set(kernel, index, Sizeof.cl_mem, Pointer.to(arena.buffer()));
            }
            case Place.Tiles tiles ->
                set(kernel, index, Sizeof.cl_mem, Pointer.to(table(tiles).buffer()));
            case Place.Table table -> throw new IllegalArgumentException(launch.kernel());
            case Place.At address -> throw new IllegalArgumentException(launch.kernel());
            case Argument.I32(int value) ->
                set(kernel, index, Sizeof.cl_int, Pointer.to(new int[] {value}));
            case Argument.I64(long value) ->
                set(kernel, index, Sizeof.cl_ulong, Pointer.to(new long[] {value}));
            case Argument.F32(float value) ->
                set(kernel, index, Sizeof.cl_float, Pointer.to(new float[] {value}));
          };
    }
  }

  private OpenClMemory table(Place.Tiles tiles) {
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
    long offset = plan.layout().offset(tensor);
    OpenClMemory.Piece piece =
        arena(memory, tensor.arena())
            .piece(offset, tensor.bytes())
            .orElseThrow(() -> OpenClFailures.onePiece(tensor, device.limits()));
    long begin = (offset - piece.from()) / tensor.dtype().bytes();
    return place(kernel, index, piece.buffer(), begin + first);
  }

  private static OpenClMemory arena(Map<Arena, Memory> memory, Arena arena) {
    return OpenClDevice.own(requireNonNull(memory.get(arena)));
  }

  static boolean isCut(Map<Arena, Memory> memory, Arena arena) {
    return arena(memory, arena).pieces().size() > 1;
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
    run(isTimesTurn());
  }

  private boolean isTimesTurn() {
    return asked >= 0 && (asked < 2 || asked % TIMED_EVERY == 0);
  }

  @Override
  public void keepTimings() {
    asked = Math.max(asked, 0);
  }

  /** By the launches' events: without what lies between launches. */
  @Override
  public double runTimed() {
    run(true);
    return LongStream.of(nanos).sum();
  }

  private void run(boolean withTimes) {
    timed = withTimes;
    long begin = System.nanoTime();
    List<LaunchParts.Enqueued> parts = launches.all();
    int enqueued = 0;
    try {
      cl_command_queue queue = timed ? device.timedQueue() : device.queue();
      for (; enqueued < parts.size(); enqueued++) {
        enqueue(queue, parts.get(enqueued));
        if (enqueued % FLUSH == FLUSH - 1) {
          CL.clFlush(queue);
        }
      }
      CL.clFinish(queue);
      if (timed) {
        readTimes(parts);
      }
    } catch (CLException e) {
      String doing = "running " + doing(parts, enqueued);
      device.requireAlive(doing, e);
      throw OpenClFailures.refused(doing, device.limits(), e);
    } finally {
      events.forEach(CL::clReleaseEvent);
      events.clear();
    }
    if (asked >= 0) {
      asked++;
    } else if (device.pace().parts((System.nanoTime() - begin) / 1e9) > 1) {
      keepTimings();
    }
    runs++;
  }

  @SuppressWarnings("NullAway") // An event that is not wanted is null to JOCL.
  private void enqueue(cl_command_queue queue, LaunchParts.Enqueued part) {
    cl_event event = timed ? new cl_event() : null;
    CL.clEnqueueNDRangeKernel(
        queue, part.kernel(), 2, part.offset(), part.global(), part.local(), 0, null, event);
    if (event != null) {
      events.add(event);
    }
  }

  private void readTimes(List<LaunchParts.Enqueued> parts) {
    Arrays.fill(nanos, 0);
    long[] each = new long[parts.size()];
    for (int i = 0; i < each.length; i++) {
      each[i] =
          time(events.get(i), CL.CL_PROFILING_COMMAND_END)
              - time(events.get(i), CL.CL_PROFILING_COMMAND_START);
      nanos[parts.get(i).op()] += each[i];
    }
    launches.measured(each);
  }

  private String doing(List<LaunchParts.Enqueued> parts, int enqueued) {
    return enqueued < parts.size()
        ? plan.ops().get(parts.get(enqueued).op()).kind() + " of " + plan.name()
        : plan.name();
  }

  private long time(cl_event event, int what) {
    CL.clGetEventProfilingInfo(event, what, Sizeof.cl_ulong, Pointer.to(time), null);
    return time[0];
  }

  /** Whether the last run was one whose launches left their times. */
  boolean wasTimed() {
    return timed;
  }

  @Override
  public OpTimings timings() {
    return new OpTimings(plan.ops(), LongStream.of(nanos).map(n -> n * runs).toArray(), runs);
  }

  @Override
  public void resetTimings() {
    runs = 0;
  }

  @Override
  public void close() {
    kernels.forEach(CL::clReleaseKernel);
    kernels.clear();
    launches.clear();
    owned.forEach(OpenClMemory::close);
    owned.clear();
  }
}
