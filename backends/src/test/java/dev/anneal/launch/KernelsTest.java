package dev.anneal.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.KernelFamily;
import dev.anneal.device.Suits;
import dev.anneal.failure.Failure;
import dev.anneal.launch.MatrixKernels.LaterVersion;
import dev.anneal.ops.OpCases;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Multiplication;
import dev.anneal.plan.Op;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What layers declare of their kernels. */
class KernelsTest {
  private static final MatrixKernels.Block BLOCK = new MatrixKernels.Block(128, 128, 0);
  private static final MatrixKernels.Attention ATTENTION =
      new MatrixKernels.Attention(BLOCK, BLOCK, BLOCK);

  private static CudaMachine cuda(Set<LaterVersion> later, boolean libraries) {
    Hardware hardware =
        new Hardware(
            32,
            48 << 10,
            99 << 10,
            Optional.of(new MatrixKernels(BLOCK, ATTENTION, ATTENTION, later)));
    return new CudaMachine(
        "cuda",
        hardware,
        libraries ? Optional.of("products") : Optional.empty(),
        libraries ? Optional.of("attention") : Optional.empty());
  }

  private static CudaContext context(KernelVersions versions) {
    return new CudaContext(
        tensor -> 0, versions, ((CudaMachine) versions.machine()).hardware(), Multiplication.EXACT);
  }

  private static OpenClMachine openCl(boolean vectors) {
    return new OpenClMachine("some device", vectors, 1024, 64 << 10, true, 128);
  }

  private static Set<String> kernels(List<Command> commands) {
    return commands.stream()
        .map(command -> ((Launch) command).kernel())
        .collect(Collectors.toSet());
  }

  /** Every op has a kernel, and of every kernel with versions a user may choose each. */
  @Test
  void everyVersionOfEveryKernelLaunchesSomething() {
    Set<String> seen = new HashSet<>();
    for (Op op : OpCases.all().map(run -> run.op()).toList()) {
      for (KernelVersions versions :
          List.of(
              new KernelVersions(cuda(Set.of(LaterVersion.values()), false), Language.CUDA),
              new KernelVersions(openCl(false), Language.OPENCL))) {
        boolean isCuda = versions.machine() instanceof CudaMachine;
        if (!isCuda && op instanceof Op.EightBit) {
          continue;
        }
        List<KernelFamily> families =
            versions.families().stream().filter(each -> each.op().isInstance(op)).toList();
        for (KernelFamily family : families) {
          for (int v = 1; v <= family.versions(); v++) {
            versions.choose(Map.of(family.name(), v));
            assertFalse(launches(op, versions).isEmpty(), family.name() + " v" + v);
            seen.add(versions.machine().backend() + " " + family.name());
          }
        }
        assertFalse(launches(op, versions).isEmpty(), op.kind());
      }
    }
    assertEquals(
        Set.of(),
        List.of(Language.CUDA, Language.OPENCL).stream()
            .flatMap(
                language ->
                    KernelVersions.everywhere(language).stream()
                        .map(
                            each ->
                                (language == Language.CUDA ? "cuda " : "opencl ") + each.name()))
            .filter(each -> !seen.contains(each))
            .collect(Collectors.toSet()),
        "without an op among the cases");
  }

  private static List<Command> launches(Op op, KernelVersions versions) {
    return versions.machine() instanceof OpenClMachine machine
        ? OpLaunches.of(op, new OpenClContext(machine, versions))
        : OpLaunches.of(List.of(op), context(versions)).getFirst();
  }

  /** Runs, caches and users' commands have these numbers. */
  @Test
  void versionsKeepTheirNumbers() {
    Map<String, Integer> plain = new KernelVersions(cuda(Set.of(), false), Language.CUDA).all();
    assertEquals(4, plain.get("matmul_forward"));
    assertEquals(3, plain.get("attention_backward"));
    assertEquals(1, plain.get("scaled_matmul"));
    assertEquals(2, plain.get("rmsnorm_backward"));
    assertEquals(2, plain.get("rotary_forward"));
    assertEquals(33, plain.size());
    KernelVersions libraries = new KernelVersions(cuda(Set.of(), true), Language.CUDA);
    assertEquals(6, libraries.number(Matmul.FORWARD, Matmul.WITH_BIAS));
    assertEquals(7, libraries.number(Matmul.FORWARD, Matmul.WITH_RESIDUAL));
    assertEquals(8, libraries.number(Matmul.FORWARD, Matmul.WITH_GELU));
    assertEquals(6, libraries.number(Matmul.BACKWARD_INPUT, Matmul.INPUT_THROUGH_GELU));
    assertEquals(6, libraries.number(Matmul.BACKWARD_WEIGHT, Matmul.WEIGHT_WITH_BIAS));
    assertEquals(3, libraries.number(Attention.BACKWARD, Attention.OWN_BACKWARD));
    assertEquals(4, libraries.number(Attention.BACKWARD, Attention.SUMMED));
    assertEquals(5, libraries.number(Attention.BACKWARD, Attention.IN_PARTS));
    assertEquals(6, libraries.number(Attention.BACKWARD, Attention.FASTEST));
    assertEquals(2, libraries.of("scaled_matmul"));
    KernelVersions later =
        new KernelVersions(cuda(Set.of(LaterVersion.PRODUCTS), true), Language.CUDA);
    assertEquals(9, later.number(Matmul.FORWARD, Matmul.WITH_GELU));
    assertEquals(
        Map.of("adamw", 2, "global_norm", 3, "layernorm_forward", 3, "matmul_forward", 3),
        some(openCl(true)));
    assertEquals(
        Map.of("adamw", 1, "global_norm", 5, "layernorm_forward", 4, "matmul_forward", 5),
        some(openCl(false)));
  }

  private static Map<String, Integer> some(OpenClMachine machine) {
    Map<String, Integer> all = new KernelVersions(machine, Language.OPENCL).all();
    assertEquals(20, all.size());
    all.keySet().retainAll(Set.of("adamw", "global_norm", "layernorm_forward", "matmul_forward"));
    return all;
  }

  /** What versions suit is said by what they are for, not by how they are described. */
  @Test
  void whatAVersionSuitsIsNoMatterOfItsIdea() {
    OpenClMachine gpu = new OpenClMachine("a GPU", false, 256, 32 << 10, false, 0);
    OpenClMachine cpu = new OpenClMachine("a CPU", true, 256, 32 << 10, false, 0);
    Suits cpus = Suits.on(Suits.Machines.CPUS);
    assertTrue(cpu.suits(cpus) && !gpu.suits(cpus));
    assertTrue(gpu.lacks(cpus).isEmpty(), "it may be chosen all the same");
    Suits local = Suits.on(Suits.Machines.GPUS).sharing(64 << 10);
    assertTrue(gpu.lacks(local).orElse("").contains("64 KiB"));
    Suits units = Suits.ALL.needing(Suits.Feature.MATRIX_UNITS).of(DType.BF16);
    assertTrue(gpu.lacks(units).orElse("").contains("matrix units"));
    assertTrue(units.takesFormat(DType.BF16) && !units.takesFormat(DType.F32));
    Suits heads = Suits.ALL.ofHeads(64, 128);
    assertTrue(heads.takesHeads(64) && heads.takesHeads(128));
    assertFalse(heads.takesHeads(96) || heads.takesHeads(192));
  }

  private static Tensor tensor(String name, DType dtype, int... dims) {
    return new Tensor(name, dtype, Shape.of(dims), Arena.INPUTS);
  }

  private static Op attention(DType dtype, int hs) {
    return new Op.AttentionForward(
        tensor("out", dtype, 1, 10, 2 * hs),
        tensor("logSumExp", DType.F32, 1, 2, 10),
        tensor("qkv", dtype, 1, 10, 6 * hs),
        2);
  }

  /** Of those before it, the last that is for such devices: none for CPUs on a GPU. */
  @Test
  void whatDoesNotSuitAnOpLeavesItToTheVersionBefore() {
    KernelVersions gpu = new KernelVersions(openCl(false), Language.OPENCL);
    OpenClContext context = new OpenClContext(openCl(false), gpu);
    assertEquals(
        Set.of("attention_forward_v4"), kernels(OpLaunches.of(attention(DType.F32, 128), context)));
    assertEquals(
        Set.of("attention_forward_v2"), kernels(OpLaunches.of(attention(DType.F32, 136), context)));
    gpu.choose(Map.of("attention_forward", 3));
    assertTrue(
        kernels(OpLaunches.of(attention(DType.F32, 136), context)).contains("attention_forward_v3"),
        "somebody wants it");
  }

  /** The version that refused stays refused; scratch that it would have had is given back. */
  @Test
  void aRefusedVersionGivesItsScratchBack() {
    KernelVersions versions = new KernelVersions(openCl(true), Language.OPENCL);
    OpenClContext context =
        new OpenClContext(
            openCl(true),
            versions,
            new Workspace(OpenClContext.ALIGNMENT),
            arena -> false,
            launch ->
                launch.kernel().endsWith("_v3")
                    ? Optional.of(
                        new LaunchContext.Refusal(
                            launch.kernel(), "too large", Failure.failed("too large")))
                    : Optional.empty());
    assertEquals(
        Set.of("attention_forward_v1"), kernels(OpLaunches.of(attention(DType.F32, 64), context)));
    assertEquals(0, context.workspace().bytes());
    assertEquals(1, versions.of("attention_forward"));
    assertEquals(1, versions.notes().size());
    versions.choose(Map.of("attention_forward", 2));
    assertEquals(
        Set.of("attention_forward_v2"), kernels(OpLaunches.of(attention(DType.F32, 64), context)));
    assertThrows(Failure.class, () -> versions.choose(Map.of("attention_forward", 5)));
  }
}
