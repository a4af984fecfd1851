package dev.anneal.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.Device;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** A vendor's functions fail one after the other, and someone who works on a device meets it. */
public final class FailingCalls {
  /**
   * Of a launch that went wrong; cuDNN's and cuBLASLt's own codes are other numbers, unknown here.
   */
  private static final int CODE = 719;

  private FailingCalls() {}

  /**
   * How an attempt ended.
   *
   * @param call that failed
   * @param failure what was said, unless the work was done nevertheless
   * @param notes of the device
   * @param leaked bytes that are allocated on the device still
   */
  public record End(String call, Optional<Failure> failure, List<String> notes, long leaked) {
    End leaving(long bytes) {
      return new End(call, failure, notes, bytes);
    }
  }

  /**
   * Has each function that {@code work} needs fail, from its first call on or from its third.
   *
   * @return how each of these ended; after each, all is as before
   */
  public static List<End> each(
      DoubleControls controls, Supplier<Device> open, Consumer<Device> work) throws Throwable {
    controls.called();
    long before = controls.allocated();
    assertEquals(Optional.empty(), end("", open, work).failure());
    List<End> ends = new ArrayList<>();
    for (String call : controls.called()) {
      for (int after : new int[] {0, 2}) {
        // What fails to be freed stays, which is no fault of the next one.
        long already = controls.allocated();
        controls.fail(call, CODE, after);
        try {
          End end = end(call, open, work);
          if (controls.failures() > 0) {
            ends.add(end.leaving(controls.allocated() - already));
          }
        } finally {
          controls.fail("", 0, 0);
          if (before == 0) {
            controls.reclaim();
          }
        }
      }
    }
    assertEquals(Optional.empty(), end("", open, work).failure());
    return ends;
  }

  /** A product and a layer norm, written, run three times and read. */
  public static void product(Device device) {
    Tensor x = tensor("x", 1, 16, 16);
    Tensor weight = tensor("weight", 16, 16);
    Tensor out = tensor("out", 1, 16, 16);
    List<Tensor> all = List.of(x, weight, out);
    Plan plan =
        Plan.of(
            "tiny",
            List.of(
                new Op.Fill(x, 1),
                new Op.MatmulForward(out, x, weight, Optional.empty()),
                new Op.Add(out, out, x)),
            List.of(),
            List.of(ArenaLayout.sequential(Arena.INPUTS, all)));
    try (Memory inputs = device.allocate(Arena.INPUTS, plan.layout().bytes(Arena.INPUTS))) {
      device.copyIn(
          inputs, plan.layout().offset(weight), MemorySegment.ofArray(new float[16 * 16]));
      try (Program program = device.compile(plan, Map.of(Arena.INPUTS, inputs))) {
        for (int run = 0; run < 3; run++) {
          program.run();
        }
      }
      float[] result = new float[16 * 16];
      device.copyOut(inputs, plan.layout().offset(out), MemorySegment.ofArray(result));
      assertEquals(1, result[17]);
    }
  }

  private static Tensor tensor(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.INPUTS);
  }

  private static End end(String call, Supplier<Device> open, Consumer<Device> work) {
    try (Device device = open.get()) {
      work.accept(device);
      return new End(call, Optional.empty(), device.notes(), 0);
    } catch (Failure e) {
      return new End(call, Optional.of(e), List.of(), 0);
    }
  }

  /** One line with the call's name in it and why, and the exit code of a device. */
  public static void assertSaid(End end) {
    Failure failure = end.failure().orElseThrow(() -> new AssertionError(end + " was hidden"));
    String line = failure.getMessage();
    String name = end.call().replaceFirst("_v\\d$|WithFlags$", "");
    assertTrue(line.contains(name), end.call() + ": " + line);
    assertEquals(1, line.lines().count(), line);
    assertEquals(ExitCode.BACKEND, failure.exitCode(), line);
  }

  /** Whatever fails, but for what frees memory, no memory is lost. */
  public static void assertNothingLeaks(List<End> ends, String free) {
    List<String> leaks =
        ends.stream()
            .filter(end -> end.leaked() != 0 && !end.call().equals(free))
            .map(end -> end.call() + " leaves " + end.leaked() + " bytes: " + end.failure())
            .toList();
    assertEquals(List.of(), leaks);
  }
}
