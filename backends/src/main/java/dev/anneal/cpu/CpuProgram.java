package dev.anneal.cpu;

import dev.anneal.device.OpTimings;
import dev.anneal.device.Program;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import java.lang.foreign.Arena;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.List;

/**
 * A plan as the team runs it: every member walks through all kernels, takes tasks from each phase
 * until none is left, and waits for the others. One barrier per phase is all the synchronisation
 * there is.
 */
final class CpuProgram implements Program {
  private static final VarHandle NEXT = MethodHandles.arrayElementVarHandle(int[].class);

  /** Ints between two counters, so that they do not share a cache line. */
  private static final int STRIDE = 16;

  /** Every worker has room for {@link Rows}'s sixteen lanes. */
  private static final long LANES = 64;

  private final Plan plan;
  private final Team team;
  private final Kernel[] kernels;
  private final Kernel.Worker[] workers;
  private final Arena scratchMemory = Arena.ofShared();
  private final int[] next;
  private final long[] nanos;
  private long runs;

  /** The kernel in which a task failed; all of them when that cannot be said. */
  private volatile int failedIn;

  CpuProgram(Plan plan, Team team, Kernel.Addresses at) {
    this.plan = plan;
    this.team = team;
    this.kernels = kernels(plan, at);
    this.nanos = new long[kernels.length];
    this.next = new int[Arrays.stream(kernels).mapToInt(k -> k.phases().size()).sum() * STRIDE];
    Kernel.Scratch scratch = scratch(kernels);
    long shared = scratchMemory.allocate(Math.max(1, scratch.sharedBytes()), 64).address();
    float[] sharedFloats = new float[scratch.sharedFloats()];
    this.workers = new Kernel.Worker[team.size()];
    for (int i = 0; i < workers.length; i++) {
      workers[i] =
          new Kernel.Worker(
              scratchMemory.allocate(scratch.threadBytes(), 64).address(),
              shared,
              new float[scratch.threadFloats()],
              sharedFloats,
              new float[Tile.FLOATS]);
    }
  }

  /** Bytes that a program of {@code plan} allocates for a team of {@code threads}. */
  static long workspaceBytes(Plan plan, int threads) {
    return scratch(kernels(plan, tensor -> 0)).bytes(threads);
  }

  private static Kernel[] kernels(Plan plan, Kernel.Addresses at) {
    return plan.ops().stream().map(op -> CpuKernels.of(op, at)).toArray(Kernel[]::new);
  }

  private static Kernel.Scratch scratch(Kernel[] kernels) {
    return Arrays.stream(kernels)
        .map(Kernel::scratch)
        .reduce(new Kernel.Scratch(LANES, 0, 0, 0), Kernel.Scratch::max);
  }

  @Override
  public Plan plan() {
    return plan;
  }

  @Override
  public void run() {
    Arrays.fill(next, 0);
    failedIn = kernels.length - 1;
    team.run(this::perform);
    runs++;
  }

  private void perform(int member) {
    Kernel.Worker worker = workers[member];
    long start = member == 0 ? System.nanoTime() : 0;
    int phaseIndex = 0;
    for (int i = 0; i < kernels.length; i++) {
      List<Kernel.Phase> phases = kernels[i].phases();
      for (int p = 0; p < phases.size(); p++) {
        Kernel.Phase phase = phases.get(p);
        // What comes after a task that failed would be of garbage.
        if (!team.hasFailed()) {
          takeTasks(i, phase, phaseIndex * STRIDE, worker);
        }
        phaseIndex++;
        team.barrier(member);
      }
      if (member == 0) {
        long end = System.nanoTime();
        nanos[i] += end - start;
        start = end;
      }
    }
  }

  @Override
  public boolean mayHaveUpdated() {
    return plan.ops().subList(0, failedIn + 1).stream()
        .flatMap(op -> op.writes().stream())
        .anyMatch(
            tensor ->
                tensor.arena() == dev.anneal.plan.Arena.PARAMETERS
                    || tensor.arena() == dev.anneal.plan.Arena.OPTIMIZER);
  }

  private void takeTasks(int kernel, Kernel.Phase phase, int counter, Kernel.Worker worker) {
    int tasks = phase.tasks();
    Kernel.Task task = phase.task();
    try {
      for (int t = (int) NEXT.getAndAdd(next, counter, 1);
          t < tasks;
          t = (int) NEXT.getAndAdd(next, counter, 1)) {
        task.run(t, worker);
      }
    } catch (Throwable thrown) {
      failedIn = kernel;
      team.failed(thrown);
    }
  }

  @Override
  public OpTimings timings() {
    List<Op> ops = plan.ops();
    return new OpTimings(ops, nanos.clone(), runs);
  }

  @Override
  public void resetTimings() {
    Arrays.fill(nanos, 0);
    runs = 0;
  }

  @Override
  public void close() {
    scratchMemory.close();
  }
}
