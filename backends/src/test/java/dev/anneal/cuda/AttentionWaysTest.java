package dev.anneal.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.Backend;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.KernelFamily;
import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** The ways to do attention's backward pass, on the double's cuDNN. */
@ResourceLock("double of CUDA")
class AttentionWaysTest {
  private static final int OWN = 3;
  private static final int SUMMED = 4;
  private static final int IN_PARTS = 5;
  private static final int FASTEST = 6;

  private static final Map<Integer, Integer> REFUSE = Map.of(SUMMED, 4, IN_PARTS, 2);

  @TempDir private Path cache;

  @BeforeEach
  void build() {
    CudaDouble.build();
  }

  @AfterEach
  void asItWas() throws Throwable {
    CudnnControls.refuseAttention(0);
    CudnnControls.scores(0);
    CudnnControls.slow(2, 0);
    CudnnControls.slow(4, 0);
  }

  private Device open(int version, boolean deterministic) {
    return CudaDouble.open(
        cache, new DeviceOptions(0, Map.of("attention_backward", version), deterministic));
  }

  private static Tensor activations(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.ACTIVATIONS);
  }

  /** Heads of 64: own kernels have tensor cores for them. */
  private static OpRun run(int batch, int tokens, int heads) {
    int c = 64 * heads;
    Tensor qkv = activations("qkv", batch, tokens, 3 * c);
    Tensor out = activations("out", batch, tokens, c);
    Tensor lse = activations("lse", batch, heads, tokens);
    return new OpRun(
            List.of(
                new Op.AttentionForward(out, lse, qkv, heads),
                new Op.AttentionBackward(
                    activations("dQkv", batch, tokens, 3 * c),
                    activations("delta", batch, heads, tokens),
                    activations("dOut", batch, tokens, c),
                    qkv,
                    out,
                    lse,
                    heads)),
            1)
        .stored(Precision.BF16);
  }

  private static float[] gradient(OpRun run, Map<Tensor, float[]> results) {
    return results.entrySet().stream()
        .filter(entry -> entry.getKey().name().equals("dQkv"))
        .findFirst()
        .orElseThrow()
        .getValue();
  }

  private static long workspace(Device device, OpRun run) {
    return device.workspaceBytes(plan(run));
  }

  private static Plan plan(OpRun run) {
    List<Tensor> tensors =
        run.ops().stream().flatMap(op -> op.tensors().stream()).distinct().toList();
    return Plan.of(
        "attention",
        run.ops(),
        run.results(),
        List.of(ArenaLayout.sequential(Arena.INPUTS, tensors)));
  }

  /** Room for two sequences at a time: parts of 2, 2 and 1, each with its own part of tensors. */
  @Test
  void partsOfTheBatchHaveTheBitsOfTheWhole() throws Throwable {
    OpRun run = run(5, 9, 2);
    Map<Tensor, double[]> expected = run.reference();
    float[] whole;
    try (Device device = open(IN_PARTS, true)) {
      Map<Tensor, float[]> results = run.on(device);
      assertEquals(Optional.empty(), OpAccuracy.firstError(run, expected, results));
      whole = gradient(run, results);
      assertEquals(1, backwardCalls(device, run));
      long scores = 2L * 5 * 2 * 64 * 64;
      assertTrue(workspace(device, run) >= scores, "" + workspace(device, run));
      assertEquals(List.of(), device.notes());
    }
    CudnnControls.scores(100);
    try (Device device = open(IN_PARTS, true)) {
      Map<Tensor, float[]> results = run.on(device);
      assertEquals(Optional.empty(), OpAccuracy.firstError(run, expected, results));
      assertArrayEquals(whole, gradient(run, results));
      assertEquals(3, backwardCalls(device, run));
      long bytes = workspace(device, run);
      assertTrue(bytes > 200L << 20 && bytes <= 264L << 20, "" + bytes);
    }
    CudnnControls.scores(300);
    try (Device device = open(IN_PARTS, true)) {
      assertEquals(5, backwardCalls(device, run), "one sequence at a time, however large");
    }
  }

  private static long backwardCalls(Device device, OpRun run) {
    return device.costs(plan(run)).orElseThrow().commands().stream()
        .filter(command -> command.what().equals("attention's gradient"))
        .count();
  }

  /** Each is slower than the others in turn; what a bench forces stays what it is. */
  @Test
  void theFastestIsTakenAndKept() throws Throwable {
    OpRun run = run(1, 9, 1);
    Map<Tensor, double[]> expected = run.reference();
    CudnnControls.slow(2, 250);
    try (Device device = open(FASTEST, true)) {
      assertEquals(FASTEST, device.usedVersions().get("attention_backward"));
      Map<Tensor, float[]> results = run.on(device);
      assertEquals(Optional.empty(), OpAccuracy.firstError(run, expected, results));
      assertNotEquals(IN_PARTS, device.usedVersions().get("attention_backward"));
      assertEquals(FASTEST, device.kernelVersions().get("attention_backward"));
    }
    CudnnControls.slow(4, 250);
    int kept;
    try (Device device = open(FASTEST, true)) {
      run.on(device);
      kept = device.usedVersions().get("attention_backward");
      assertNotEquals(IN_PARTS, kept, "as it was found the first time");
    }
    try (Device device = open(FASTEST, false)) {
      run.on(device);
      assertEquals(OWN, device.usedVersions().get("attention_backward"), "another question");
    }
    for (int version : List.of(OWN, SUMMED, IN_PARTS)) {
      try (Device device = open(version, true)) {
        assertEquals(version == OWN ? 0 : 1, backwardCalls(device, run));
        assertEquals(version, device.usedVersions().get("attention_backward"));
      }
    }
  }

  /** One way that there is no engine for is no loss that anybody is told of; none is. */
  @Test
  void ofTwoWaysOneIsEnough() throws Throwable {
    OpRun run = run(1, 9, 1);
    for (int refused : List.of(SUMMED, IN_PARTS)) {
      CudnnControls.refuseAttention(REFUSE.get(refused));
      try (Device device = open(FASTEST, true)) {
        run.on(device);
        assertEquals(List.of(), device.notes());
        assertNotEquals(refused, device.usedVersions().get("attention_backward"));
      }
      try (Device device = open(refused, true)) {
        assertEquals(0, backwardCalls(device, run));
        assertEquals(1, device.notes().size());
      }
    }
  }

  @Test
  void aBenchNamesThem() {
    try (Device device = open(FASTEST, true)) {
      KernelFamily family =
          device.kernels().stream()
              .filter(each -> each.name().equals("attention_backward"))
              .findFirst()
              .orElseThrow();
      assertEquals(FASTEST, family.versions());
      assertTrue(family.ideas().get(SUMMED - 1).startsWith("cuDNN 9.10, summed"));
      assertTrue(family.ideas().get(IN_PARTS - 1).startsWith("cuDNN 9.10 in parts of the batch"));
    }
  }

  /** 25 MB of scores for each sequence of GPT-2 124M: eleven at a time, of 64. */
  @Test
  void aPlanReckonsWithPartsAndTheirScratch() {
    OpRun run = run(64, 1024, 12);
    Backend backend = new CudaBackend();
    try (Device device = backend.planned(Optional.of("sm_90")).orElseThrow()) {
      assertEquals(6, backwardCalls(device, run));
      assertEquals(11L * 12 * 1024 * 1024 * 2, workspace(device, run));
    }
  }
}
