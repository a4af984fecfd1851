package dev.anneal.eval;

import dev.anneal.device.DeviceOptions;
import dev.anneal.device.Mark;
import dev.anneal.device.Memory;
import dev.anneal.device.OpTimings;
import dev.anneal.device.Program;
import dev.anneal.plan.Arena;
import dev.anneal.plan.Plan;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;

/**
 * A device that does what it is told as late as it may: as far as a mark that is waited for, or all
 * when something is asked that cannot wait. It keeps what was told and waited for, in order.
 */
public class DeferredDevice extends DeviceOnCpu {
  private record Told(String what, Runnable work) {}

  private final Deque<Told> told = new ArrayDeque<>();

  /**
   * Runs that were told, {@code waits} where the host waited while nothing was left to do after.
   */
  public final List<String> diary = Collections.synchronizedList(new ArrayList<>());

  public DeferredDevice() {
    super(DeviceOptions.threads(1));
  }

  /** Before a program of this first op runs; to fail. */
  protected void beforeRun(Plan plan) {}

  private void tell(String what, Runnable work) {
    told.add(new Told(what, work));
  }

  private void doNext() {
    Told next = told.remove();
    next.work.run();
  }

  private boolean hasRuns() {
    return told.stream().anyMatch(it -> it.what.equals("run"));
  }

  @Override
  public boolean isAsynchronous() {
    return true;
  }

  @Override
  public void finish(String doing) {
    while (!told.isEmpty()) {
      doNext();
    }
  }

  @Override
  public Mark mark() {
    return new Mark() {
      private boolean isReached = true;

      @Override
      public void set() {
        isReached = false;
        tell("mark", () -> isReached = true);
      }

      @Override
      public void await(String doing) {
        while (!isReached) {
          doNext();
        }
        diary.add(hasRuns() ? "waits busy" : "waits idle");
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public void enqueueCopyIn(Memory to, long offset, MemorySegment from) {
    tell("copy", () -> cpu.copyIn(to, offset, from));
  }

  @Override
  public void enqueueCopyOut(Memory from, long offset, MemorySegment to) {
    tell("copy", () -> cpu.copyOut(from, offset, to));
  }

  @Override
  public void copyIn(Memory to, long offset, MemorySegment from) {
    finish("copying");
    super.copyIn(to, offset, from);
  }

  @Override
  public void copyOut(Memory from, long offset, MemorySegment to) {
    finish("copying");
    super.copyOut(from, offset, to);
  }

  @Override
  public Program compile(Plan plan, Map<Arena, Memory> memory) {
    Program program = super.compile(plan, memory);
    return new Program() {
      @Override
      public Plan plan() {
        return plan;
      }

      @Override
      public void run() {
        enqueue();
        finish("running");
      }

      @Override
      public void enqueue() {
        diary.add(plan.name() + " of " + plan.ops().getFirst().kind());
        tell(
            "run",
            () -> {
              beforeRun(plan);
              program.run();
            });
      }

      @Override
      public OpTimings timings() {
        return program.timings();
      }

      @Override
      public void resetTimings() {
        program.resetTimings();
      }

      @Override
      public void close() {
        finish("closing");
        program.close();
      }
    };
  }
}
