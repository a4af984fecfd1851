package dev.anneal.opencl;

import dev.anneal.cpu.CpuBackend;
import dev.anneal.device.Availability;
import dev.anneal.device.Backend;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.KernelFamily;
import dev.anneal.device.Memory;
import dev.anneal.device.OpTimings;
import dev.anneal.device.Program;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The OpenCL backend beside the CPU's, in one run: {@code ops} times every version of every kernel
 * at GPT-2 124M's shapes with B*T = 256 (milliseconds, and GFLOP/s in brackets), {@code step} a
 * whole training step of B = 4, T = 64.
 */
public final class OpenClBenchmark {
  private static final int M = 256;
  private static final int T = 64;
  private static final int C = 768;
  private static final int VOCABULARY = 50257;
  private static final int PADDED = 50304;

  private static final long LONG = 5_000_000_000L;

  /** The JVM compiles the CPU's kernels meanwhile. */
  private static final int WARM_UP_STEPS = 6;

  private static final int STEPS = 7;

  private OpenClBenchmark() {}

  public static void main(String[] args) {
    List<String> what = args.length == 0 ? List.of("ops", "step") : List.of(args);
    try (Device cpu = open(new CpuBackend());
        Device opencl = open(new OpenClBackend())) {
      System.out.println(opencl.info().name() + " beside " + cpu.info().name());
      if (what.contains("ops")) {
        String only = what.size() > 1 ? what.get(1) : "";
        ops(cpu, opencl, only);
      }
      if (what.contains("step")) {
        step(cpu, opencl);
      }
    }
  }

  private static Device open(Backend backend) {
    return switch (backend.probe()) {
      case Availability.Available(List<DeviceInfo> devices) ->
          backend.open(devices.getFirst(), DeviceOptions.defaults());
      case Availability.Missing(String reason) -> throw new IllegalStateException(reason);
    };
  }

  private static void ops(Device cpu, Device opencl, String only) {
    System.out.println(
        "kernel, result: ms (GFLOP/s) on the cpu; of each version, ms and times the cpu's");
    for (Op op : ops()) {
      KernelFamily family =
          opencl.kernels().stream().filter(f -> f.op().isInstance(op)).findFirst().orElseThrow();
      if (!family.name().contains(only)) {
        continue;
      }
      double own = milliseconds(cpu, op);
      StringBuilder line =
          new StringBuilder(
              String.format(
                  Locale.ROOT,
                  "%s %s: cpu %.3f ms (%.1f)",
                  family.name(),
                  op.writes().getFirst().shape(),
                  own,
                  op.flops() / own / 1e6));
      // The plain version takes a minute for the classifier's products.
      for (int v = op.flops() > LONG ? 2 : 1; v <= family.versions(); v++) {
        opencl.chooseKernels(Map.of(family.name(), v));
        double time = milliseconds(opencl, op);
        line.append(
            String.format(
                Locale.ROOT,
                "; v%d %.3f ms x%.1f (%.1f)",
                v,
                time,
                time / own,
                op.flops() / time / 1e6));
      }
      System.out.println(line);
    }
  }

  private static List<Op> ops() {
    Tensor x = f("x", 4, T, C);
    Tensor wide = f("wide", 4, T, 4 * C);
    Tensor qkv = f("qkv", 4, T, 3 * C);
    Tensor logits = f("logits", 4, T, PADDED);
    Tensor tokens = new Tensor("tokens", DType.I32, Shape.of(4, T), Arena.INPUTS);
    Tensor rows = f("rows", 4, T);
    Tensor lse = f("lse", 4, 12, T);
    Tensor out = f("out", 4, T, C);
    Tensor fc = f("fc", 4 * C, C);
    Tensor projection = f("projection", C, 4 * C);
    Tensor wte = f("wte", PADDED, C);
    return List.of(
        new Op.MatmulForward(wide, x, fc, Optional.of(f("bias", 4 * C))),
        new Op.MatmulForward(out, wide, projection, Optional.of(f("bias", C))),
        new Op.MatmulForward(logits, x, wte, Optional.empty()),
        new Op.MatmulBackwardInput(out, wide, fc),
        new Op.MatmulBackwardInput(wide, x, projection),
        new Op.MatmulBackwardInput(x, logits, wte),
        new Op.MatmulBackwardWeight(f("dFc", 4 * C, C), wide, x, false),
        new Op.MatmulBackwardWeight(f("dProjection", C, 4 * C), x, wide, false),
        new Op.MatmulBackwardWeight(f("dWte", PADDED, C), logits, x, true),
        new Op.BiasBackward(f("dBias", 4 * C), wide, false),
        new Op.AttentionForward(out, lse, qkv, 12),
        new Op.AttentionBackward(
            f("dQkv", 4, T, 3 * C), f("delta", 4, 12, T), x, qkv, out, lse, 12),
        new Op.LayerNormForward(out, rows, f("rstd", 4, T), x, f("w", C), f("b", C), 1e-5f),
        new Op.LayerNormBackward(
            f("dX", 4, T, C),
            f("dW", C),
            f("dB", C),
            out,
            x,
            f("w", C),
            rows,
            f("rstd", 4, T),
            Optional.of(f("residual", 4, T, C)),
            false),
        new Op.GeluForward(f("gelu", 4, T, 4 * C), wide),
        new Op.GeluBackward(f("dWide", 4, T, 4 * C), f("dGelu", 4, T, 4 * C), wide),
        new Op.CrossEntropyForward(rows, f("sums", 4, T), logits, tokens, VOCABULARY),
        new Op.CrossEntropyBackward(
            f("dLogits", 4, T, PADDED), rows, logits, f("sums", 4, T), tokens, VOCABULARY),
        new Op.TokenEmbeddingBackward(f("dWte", PADDED, C), x, tokens, true),
        new Op.GlobalNorm(f("norm"), List.of(f("dWte", PADDED, C), fc)),
        new Op.AdamW(
            wte,
            f("m", PADDED, C),
            f("v", PADDED, C),
            f("dWte", PADDED, C),
            f("norm"),
            f("schedule", 3),
            0.9f,
            0.95f,
            1e-8f,
            0.1f,
            1));
  }

  private static Tensor f(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.INPUTS);
  }

  /**
   * The shortest run of a second, after half a second that warms up and at least two runs: on a
   * machine that others use too, the median says more about them.
   */
  private static double milliseconds(Device device, Op op) {
    ArenaLayout layout = ArenaLayout.sequential(Arena.INPUTS, op.tensors());
    Plan plan = Plan.of("bench", List.of(op), List.of(), List.of(layout));
    try (Memory inputs = device.allocate(Arena.INPUTS, layout.bytes());
        Memory none = device.allocate(Arena.ACTIVATIONS, 64);
        Program program =
            device.compile(plan, Map.of(Arena.INPUTS, inputs, Arena.ACTIVATIONS, none))) {
      double guess = times(program, 1, 1)[0];
      int warmUp = (int) Math.ceil(500 / guess);
      return times(program, warmUp, 2 + (int) Math.ceil(1000 / guess))[0];
    }
  }

  /** Milliseconds of each run, the shortest first. */
  private static double[] times(Program program, int warmUp, int runs) {
    for (int i = 0; i < warmUp; i++) {
      program.run();
    }
    program.resetTimings();
    double[] times = new double[runs];
    for (int i = 0; i < runs; i++) {
      long start = System.nanoTime();
      program.run();
      times[i] = (System.nanoTime() - start) / 1e6;
    }
    Arrays.sort(times);
    return times;
  }

  private static void step(Device cpu, Device opencl) {
    double[] own = step(cpu);
    double[] other = step(opencl);
    System.out.printf(
        Locale.ROOT,
        "GPT-2 124M, B = 4, T = 64: x%.2f the cpu by medians, x%.2f by shortest steps%n",
        other[STEPS / 2] / own[STEPS / 2],
        other[0] / own[0]);
  }

  private static double[] step(Device device) {
    try (TrainingStep step = new TrainingStep(device, 4, T, 12, 12, C, VOCABULARY, PADDED)) {
      step.program().keepTimings();
      double[] times = times(step.program(), WARM_UP_STEPS, STEPS);
      OpTimings timings = step.program().timings();
      timings
          .byKind()
          .forEach(
              (kind, nanos) ->
                  System.out.printf(
                      Locale.ROOT, "  %-26s %8.1f ms%n", kind, nanos / 1e6 / timings.runs()));
      System.out.printf(
          Locale.ROOT,
          "%s: %.0f ms per step (median; %.0f to %.0f)%n",
          device.info().backend(),
          times[STEPS / 2],
          times[0],
          times[STEPS - 1]);
      return times;
    }
  }
}
