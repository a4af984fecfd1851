package dev.anneal.cuda;

import static dev.anneal.cuda.CudaErrors.check;

import dev.anneal.device.OpTimings;
import dev.anneal.device.Program;
import dev.anneal.plan.Plan;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstream;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.JCudaDriver;

/**
 * A plan as one CUDA graph: what its ops tell the stream is captured once, and a run is one launch.
 *
 * <p>Time per op needs an event after each op, which a graph of hundreds of small kernels would
 * feel. So the first run, and then one in {@value #TIMED_EVERY}, is no graph but command by command
 * with events; {@link #timings} takes the runs between to have gone as the last of those.
 */
final class CudaProgram implements Program {
  private static final int TIMED_EVERY = 64;

  private final Plan plan;
  private final CudaContext context;
  private final CudaMemory workspace;
  private final List<List<PreparedCommand>> commands;
  private final List<CUevent> events = new ArrayList<>();
  private final long[] lastTimed;
  private Optional<CUgraphExec> graph = Optional.empty();
  private long everRun;
  private long runs;
  private boolean open = true;

  CudaProgram(
      Plan plan,
      CudaContext context,
      CudaMemory workspace,
      List<List<Command>> commands,
      Function<Command, PreparedCommand> prepare) {
    this.plan = plan;
    this.context = context;
    this.workspace = workspace;
    this.commands = commands.stream().map(ofOp -> ofOp.stream().map(prepare).toList()).toList();
    this.lastTimed = new long[commands.size()];
    for (int i = 0; i <= commands.size(); i++) {
      CUevent event = new CUevent();
      check(JCudaDriver.cuEventCreate(event, CUevent_flags.CU_EVENT_DEFAULT), "making an event");
      events.add(event);
    }
  }

  @Override
  public Plan plan() {
    return plan;
  }

  @Override
  public void run() {
    context.enter();
    if (everRun % TIMED_EVERY == 0) {
      runTimed();
    } else {
      CUgraphExec executable = graph.orElseGet(this::capture);
      check(JCudaDriver.cuGraphLaunch(executable, context.stream()), "launching " + plan.name());
      context.synchronize("running " + plan.name());
    }
    everRun++;
    runs++;
  }

  private void runTimed() {
    CUstream stream = context.stream();
    check(JCudaDriver.cuEventRecord(events.getFirst(), stream), "timing");
    for (int i = 0; i < commands.size(); i++) {
      for (PreparedCommand command : commands.get(i)) {
        command.enqueue(stream);
      }
      check(JCudaDriver.cuEventRecord(events.get(i + 1), stream), "timing");
    }
    context.synchronize("running " + plan.name());
    float[] milliseconds = new float[1];
    for (int i = 0; i < commands.size(); i++) {
      check(
          JCudaDriver.cuEventElapsedTime(milliseconds, events.get(i), events.get(i + 1)), "timing");
      lastTimed[i] = commands.get(i).isEmpty() ? 0 : (long) (milliseconds[0] * 1e6);
    }
  }

  private CUgraphExec capture() {
    CUstream stream = context.stream();
    check(
        JCudaDriver.cuStreamBeginCapture(
            stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
        "capturing " + plan.name());
    CUgraph captured = new CUgraph();
    try {
      for (List<PreparedCommand> ofOp : commands) {
        ofOp.forEach(command -> command.enqueue(stream));
      }
    } finally {
      check(JCudaDriver.cuStreamEndCapture(stream, captured), "capturing " + plan.name());
    }
    CUgraphExec executable = new CUgraphExec();
    check(JCudaDriver.cuGraphInstantiate(executable, captured, 0), "instantiating " + plan.name());
    JCudaDriver.cuGraphDestroy(captured);
    graph = Optional.of(executable);
    return executable;
  }

  @Override
  public OpTimings timings() {
    long[] nanos = new long[lastTimed.length];
    for (int i = 0; i < nanos.length; i++) {
      nanos[i] = lastTimed[i] * runs;
    }
    return new OpTimings(plan.ops(), nanos, runs);
  }

  @Override
  public void resetTimings() {
    runs = 0;
  }

  @Override
  public void close() {
    if (open) {
      open = false;
      context.enter();
      graph.ifPresent(JCudaDriver::cuGraphExecDestroy);
      events.forEach(JCudaDriver::cuEventDestroy);
      workspace.close();
    }
  }
}
