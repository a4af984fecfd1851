package dev.anneal.gpu;

import dev.anneal.device.OpTimings;
import dev.anneal.device.Program;
import dev.anneal.launch.Command;
import dev.anneal.plan.Plan;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * A plan as one graph: what its ops tell the stream is captured once, and a run is one launch.
 *
 * <p>Time per op needs an event after each op, which a graph of hundreds of small kernels would
 * feel. So the first run, and then one in {@value #TIMED_EVERY}, is no graph but command by command
 * with events; {@link #timings} takes the runs between to have gone as the last of those. With
 * {@code ANNEAL_GRAPH=off} in the environment, no run is a graph, to see what one gains.
 */
final class GpuProgram implements Program {
  private static final int TIMED_EVERY = 64;
  private static final boolean GRAPHS = !"off".equals(System.getenv("ANNEAL_GRAPH"));

  private final Plan plan;
  private final Driver driver;
  private final ProgramMemory memory;
  private final List<List<PreparedCommand>> commands;
  private final Driver.Events events;
  private Optional<Driver.Events> clock = Optional.empty();
  private final long[] lastTimed;
  private Optional<Driver.Graph> graph = Optional.empty();
  private long everRun;
  private long runs;
  private boolean timesAreDue;
  private boolean open = true;

  GpuProgram(
      Plan plan,
      Driver driver,
      ProgramMemory memory,
      List<List<Command>> commands,
      Function<Command, PreparedCommand> prepare) {
    this.plan = plan;
    this.driver = driver;
    this.memory = memory;
    this.commands = commands.stream().map(ofOp -> ofOp.stream().map(prepare).toList()).toList();
    this.lastTimed = new long[commands.size()];
    this.events = driver.events(commands.size() + 1);
  }

  @Override
  public Plan plan() {
    return plan;
  }

  @Override
  public void run() {
    enqueue();
    driver.synchronize("running " + plan.name());
    readTimes();
  }

  @Override
  public void enqueue() {
    driver.enter();
    if (everRun % TIMED_EVERY == 0) {
      if (timesAreDue) {
        driver.synchronize("running " + plan.name());
        readTimes();
      }
      enqueueTimed();
    } else {
      ready().run();
    }
    everRun++;
    runs++;
  }

  @Override
  public double runTimed() {
    if (everRun == 0) {
      // Libraries make themselves ready in it, which a graph does not allow.
      run();
    }
    driver.enter();
    Driver.Events beginAndEnd = clock.orElseGet(() -> driver.events(2));
    clock = Optional.of(beginAndEnd);
    Runnable all = ready();
    beginAndEnd.record(0);
    all.run();
    beginAndEnd.record(1);
    driver.synchronize("running " + plan.name());
    return beginAndEnd.millisecondsAfter(0) * 1e6;
  }

  /** All commands, ready to be told to the device. */
  private Runnable ready() {
    return GRAPHS ? graph.orElseGet(this::capture)::launch : this::enqueueAll;
  }

  private void enqueueTimed() {
    events.record(0);
    for (int i = 0; i < commands.size(); i++) {
      commands.get(i).forEach(PreparedCommand::enqueue);
      events.record(i + 1);
    }
    timesAreDue = true;
  }

  /** Of the last run that was timed, which is over. */
  private void readTimes() {
    if (!timesAreDue) {
      return;
    }
    timesAreDue = false;
    for (int i = 0; i < commands.size(); i++) {
      lastTimed[i] = commands.get(i).isEmpty() ? 0 : (long) (events.millisecondsAfter(i) * 1e6);
    }
  }

  private void enqueueAll() {
    commands.forEach(ofOp -> ofOp.forEach(PreparedCommand::enqueue));
  }

  private Driver.Graph capture() {
    Driver.Graph captured = driver.capture(plan.name(), this::enqueueAll);
    graph = Optional.of(captured);
    return captured;
  }

  @Override
  public OpTimings timings() {
    if (timesAreDue && events.isReached(commands.size())) {
      readTimes();
    }
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
      driver.enterToRelease();
      graph.ifPresent(Driver.Graph::close);
      events.close();
      clock.ifPresent(Driver.Events::close);
      memory.close();
    }
  }
}
