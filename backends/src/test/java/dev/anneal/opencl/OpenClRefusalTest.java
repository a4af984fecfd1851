package dev.anneal.opencl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.Memory;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.launch.Argument;
import dev.anneal.launch.Command;
import dev.anneal.launch.Grid;
import dev.anneal.launch.KernelFile;
import dev.anneal.launch.KernelVersions;
import dev.anneal.launch.Language;
import dev.anneal.launch.Launch;
import dev.anneal.launch.OpLaunches;
import dev.anneal.launch.OpenClContext;
import dev.anneal.launch.OpenClMachine;
import dev.anneal.launch.Place;
import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpCases;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** Kernels that a driver refuses, on the first OpenCL device here. */
@ResourceLock("OpenCL")
class OpenClRefusalTest {
  @TempDir private Path cache;

  /** The device as it is, or as one that takes versions for GPUs. */
  private OpenClDevice open(boolean gpu, KernelProbe... probe) {
    return open(gpu, Long.MAX_VALUE, ArenaLayout.BLOCK, probe);
  }

  private OpenClDevice open(boolean gpu, long most, long block, KernelProbe... probe) {
    FirstDevice device = FirstDevice.in(cache).plainly().giving(most, block);
    device = gpu ? device.asGpu() : device;
    return probe.length == 0 ? device.open() : device.with(probe[0]).open();
  }

  private static Tensor activations(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.ACTIVATIONS);
  }

  private static OpRun attention() {
    return new OpRun(
        List.of(
            new Op.AttentionForward(
                activations("out", 1, 21, 34),
                activations("lse", 1, 2, 21),
                activations("qkv", 1, 21, 102),
                2)),
        1);
  }

  @Test
  void aRefusedKernelStepsDownToTheVersionBeforeItAndSaysSo() {
    KernelProbe refuses =
        launch ->
            launch.kernel().equals("attention_forward_v4")
                ? Optional.of("CL_OUT_OF_RESOURCES")
                : Optional.empty();
    try (OpenClDevice device = open(true, refuses)) {
      assertEquals(4, device.kernelVersions().get("attention_forward"));
      OpRun run = attention();
      assertEquals(Optional.empty(), OpAccuracy.firstError(run, run.reference(), run.on(device)));
      run.on(device);
      assertEquals(2, device.kernelVersions().get("attention_forward"));
      assertEquals(4, device.kernelVersions().get("attention_backward"));
      assertEquals(1, device.notes().size(), device.notes() + "");
      String note = device.notes().getFirst();
      assertTrue(
          note.endsWith(
              "refuses attention_forward_v4 (CL_OUT_OF_RESOURCES), so attention_forward runs as"
                  + " v2 in place of v4"),
          note);
    }
  }

  @Test
  void oneThatTheUserChoseIsAnError() {
    try (OpenClDevice device = open(true, launch -> Optional.of("CL_OUT_OF_RESOURCES"))) {
      for (int version : new int[] {3, 1}) {
        device.chooseKernels(Map.of("attention_forward", version));
        Failure failure = assertThrows(Failure.class, () -> attention().on(device));
        assertEquals(ExitCode.BACKEND, failure.exitCode());
        String line = failure.getMessage();
        assertTrue(line.contains("(CL_OUT_OF_RESOURCES); choose another version with"), line);
        assertEquals(1, line.lines().count());
      }
    }
  }

  /** Sizes of 1 on a buffer of its own: every version of every kernel can be tried. */
  @Test
  void everyKernelCanBeTriedAndNoneIsRefusedHere() {
    try (OpenClDevice device = open(true)) {
      Map<Class<?>, OpRun> kinds = new HashMap<>();
      OpCases.all()
          .filter(run -> !(run.op() instanceof Op.EightBit))
          .forEach(run -> kinds.putIfAbsent(run.op().getClass(), run));
      for (OpRun run : kinds.values()) {
        for (Map<String, Integer> versions : OpenClVersions.MEANT.of(run.op(), device)) {
          device.chooseKernels(versions);
          OpenClMachine machine = device.limits().machine();
          KernelVersions chosen = new KernelVersions(machine, Language.OPENCL);
          chosen.choose(versions);
          for (Command command : OpLaunches.of(run.op(), new OpenClContext(machine, chosen))) {
            Launch launch = (Launch) command;
            assertEquals(Optional.empty(), device.trial().refusal(launch), launch.kernel());
          }
        }
      }
    }
  }

  @Test
  void aTrialTellsARefusalFromALostDevice() {
    try (OpenClDevice device = open(true)) {
      Launch large =
          Launch.of(
              KernelFile.of("elementwise"),
              "fill_v1",
              Grid.groups(1, 1, 1 << 24, 1),
              Place.data(activations("out", 1)),
              Argument.f32(1),
              Argument.i64(1));
      assertTrue(device.trial().refusal(large).orElse("").startsWith("CL_INVALID_WORK_GROUP_SIZE"));
      OpRun run = attention();
      assertEquals(Optional.empty(), OpAccuracy.firstError(run, run.reference(), run.on(device)));
    }
  }

  /** More rows than some drivers take work-groups in the second dimension. */
  @Test
  void manyRowsAreLaunchedInParts() {
    int rows = 70_001;
    Tensor out = input("out", DType.F32, 1, rows, 3);
    Tensor tokens = input("tokens", DType.I32, 1, rows);
    Tensor wte = input("wte", DType.F32, 5, 3);
    Tensor wpe = input("wpe", DType.F32, rows, 3);
    List<Tensor> all = List.of(out, tokens, wte, wpe);
    ArenaLayout layout = ArenaLayout.sequential(Arena.INPUTS, all);
    Plan plan =
        Plan.of(
            "rows",
            List.of(new Op.EmbeddingForward(out, tokens, wte, wpe, Optional.empty())),
            List.of(),
            List.of(layout));
    try (OpenClDevice device = open(false);
        Memory memory = device.allocate(Arena.INPUTS, layout.bytes())) {
      float[] positions = new float[rows * 3];
      for (int i = 0; i < positions.length; i++) {
        positions[i] = i;
      }
      device.copyIn(memory, plan.layout().offset(wpe), MemorySegment.ofArray(positions));
      try (OpenClProgram program =
          (OpenClProgram) device.compile(plan, Map.of(Arena.INPUTS, memory))) {
        assertEquals(2, program.launches());
        program.run();
      }
      float[] read = new float[positions.length];
      device.copyOut(memory, plan.layout().offset(out), MemorySegment.ofArray(read));
      for (int i = 0; i < read.length; i++) {
        assertEquals(positions[i], read[i]);
      }
    }
  }

  private static Tensor input(String name, DType dtype, int... dims) {
    return new Tensor(name, dtype, Shape.of(dims), Arena.INPUTS);
  }

  /** What a driver gives at most is less than an arena: it is cut where no tensor lies across. */
  @Test
  void anArenaMayBeInSeveralBuffers() {
    Tensor x = input("x", DType.F32, 1, 30, 31);
    Tensor weight = input("weight", DType.F32, 29, 31);
    Tensor out = input("out", DType.F32, 1, 30, 29);
    Tensor sum = input("sum", DType.F32, 1, 30, 29);
    Tensor norm = input("norm", DType.F32);
    List<Tensor> all = List.of(x, weight, out, sum, norm);
    int block = 4096;
    ArenaLayout layout = ArenaLayout.sequential(Arena.INPUTS, all, block);
    Plan plan =
        Plan.of(
            "pieces",
            List.of(
                new Op.MatmulForward(out, x, weight, Optional.empty()),
                new Op.Add(sum, out, out),
                new Op.GlobalNorm(norm, List.of(out, sum, weight))),
            List.of(),
            List.of(layout));
    float[] before = new float[Math.toIntExact(layout.bytes() / Float.BYTES)];
    for (int i = 0; i < before.length; i++) {
      before[i] = i % 13 - 5;
    }
    List<float[]> results = new ArrayList<>();
    for (long most : new long[] {Long.MAX_VALUE, 2 * block + 100, block}) {
      try (OpenClDevice device = open(false, most, block);
          OpenClMemory memory = (OpenClMemory) device.allocate(Arena.INPUTS, layout.bytes())) {
        assertEquals(Math.ceilDiv(layout.bytes(), most / block * block), memory.pieces().size());
        device.chooseKernels(Map.of("global_norm", 1));
        device.copyIn(memory, 0, MemorySegment.ofArray(before));
        try (var program = device.compile(plan, Map.of(Arena.INPUTS, memory))) {
          program.run();
        }
        float[] after = new float[before.length];
        device.copyOut(memory, 0, MemorySegment.ofArray(after));
        results.add(after);
        device.chooseKernels(Map.of("global_norm", 3));
        device.compile(plan, Map.of(Arena.INPUTS, memory)).close();
      }
    }
    assertArrayEquals(results.get(0), results.get(1));
    assertArrayEquals(results.get(0), results.get(2));
  }

  @Test
  void aTensorThatNoBufferHoldsIsOneLine() {
    Tensor large = input("large", DType.F32, 3000);
    ArenaLayout layout =
        ArenaLayout.sequential(Arena.INPUTS, List.of(input("small", DType.F32, 1), large), 4096);
    Plan plan = Plan.of("large", List.of(new Op.Fill(large, 1)), List.of(), List.of(layout));
    try (OpenClDevice device = open(false, 8192, 4096);
        Memory memory = device.allocate(Arena.INPUTS, layout.bytes())) {
      Failure failure =
          assertThrows(Failure.class, () -> device.compile(plan, Map.of(Arena.INPUTS, memory)));
      assertEquals(ExitCode.BACKEND, failure.exitCode());
      assertTrue(failure.getMessage().contains("its driver gives 8192 in one piece"));
      assertEquals(1, failure.getMessage().lines().count());
    }
  }

  @Test
  void everySystemHasALoaderOfItsOwn() {
    assertEquals(List.of("libOpenCL.so.1", "libOpenCL.so"), OpenClLoader.names("Linux"));
    assertEquals(List.of("OpenCL.dll"), OpenClLoader.names("Windows 11"));
    assertEquals(
        List.of("/System/Library/Frameworks/OpenCL.framework/OpenCL"),
        OpenClLoader.names("Mac OS X"));
    assertEquals(Optional.empty(), OpenClLoader.refusal());
  }
}
