package dev.anneal.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.Device;
import dev.anneal.device.ProgramCosts;
import dev.anneal.gpu.BlasLt;
import dev.anneal.launch.Product;
import dev.anneal.launch.Product.Epilogue;
import dev.anneal.launch.Product.Formats;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.plan.DType;
import dev.anneal.plan.Multiplication;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import dev.anneal.reference.Difference;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What cuBLASLt does in one go with a product of the backward pass. */
@ResourceLock("double of CUDA")
class CublasEpiloguesTest {
  private static Device device;

  @BeforeAll
  static void open() {
    device = CudaDouble.open();
  }

  @AfterAll
  static void close() {
    if (device != null) {
      device.close();
    }
  }

  private static Tensor activations(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.ACTIVATIONS);
  }

  private static Tensor gradient(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.GRADIENTS);
  }

  private static Tensor weight(int... dims) {
    return new Tensor("weight", DType.F32, Shape.of(dims), Arena.PARAMETERS);
  }

  private static OpRun stored(List<Op> ops, Precision precision) {
    OpRun run = new OpRun(ops, 1);
    return precision == Precision.FP32 ? run : run.copied(precision.storage()).stored(precision);
  }

  private static Tensor named(OpRun run, String name) {
    return run.results().stream().filter(t -> t.name().equals(name)).findFirst().orElseThrow();
  }

  private static void assertNear(OpRun run, String name, Map<Tensor, float[]> actual) {
    Tensor tensor = named(run, name);
    double[] expected = run.reference().get(tensor);
    Difference.Sum sum = new Difference.Sum();
    for (int i = 0; i < expected.length; i++) {
      sum.add(actual.get(tensor)[i], expected[i]);
    }
    double limit = tensor.dtype() == DType.F32 ? 1e-5 : 4e-3;
    assertTrue(sum.difference().relative() < limit, tensor + " of " + run);
  }

  private static boolean isWritten(OpRun run, String name, Map<Tensor, float[]> actual) {
    return !Float.isNaN(actual.get(named(run, name))[0]);
  }

  private static List<Op> throughGelu(int wide) {
    Tensor dHidden = activations("dHidden", 2, 9, wide);
    Tensor dGelu = activations("dGelu", 2, 9, wide);
    Tensor hidden = activations("hidden", 2, 9, wide);
    return List.of(
        new Op.MatmulBackwardInput(dGelu, activations("dOut", 2, 9, 10), weight(10, wide)),
        new Op.GeluBackward(dHidden, dGelu, hidden));
  }

  @ParameterizedTest
  @EnumSource(names = {"FP32", "BF16"})
  void multipliesWithTheSlopeOfGelu(Precision precision) {
    OpRun run = stored(throughGelu(24), precision);
    Map<Tensor, float[]> actual = run.on(device);
    assertNear(run, "dHidden", actual);
    assertFalse(isWritten(run, "dGelu", actual));
  }

  @Test
  void doesNotWhereTheGradientBetweenIsWanted() {
    List<Op> ops = new ArrayList<>(throughGelu(24));
    Tensor dGelu = ops.getFirst().writes().getFirst();
    ops.add(new Op.Add(activations("sum", 2, 9, 24), dGelu, dGelu));
    OpRun run = stored(ops, Precision.FP32);
    Map<Tensor, float[]> actual = run.on(device);
    assertNear(run, "sum", actual);
    // Nor where the auxiliary matrix has an odd width.
    OpRun odd = stored(throughGelu(20), Precision.FP32);
    Map<Tensor, float[]> alone = odd.on(device);
    assertNear(odd, "dHidden", alone);
    assertTrue(isWritten(odd, "dGelu", alone));
  }

  @ParameterizedTest
  @EnumSource(names = {"FP32", "BF16"})
  void sumsUpTheGradientOfABias(Precision precision) {
    for (boolean first : new boolean[] {false, true}) {
      for (boolean second : new boolean[] {false, true}) {
        Tensor dOut = activations("dOut", 2, 9, 24);
        OpRun run =
            stored(
                List.of(
                    new Op.MatmulBackwardWeight(
                        gradient("dWeight", 24, 10), dOut, activations("in", 2, 9, 10), first),
                    new Op.BiasBackward(gradient("dBias", 24), dOut, second)),
                precision);
        Map<Tensor, float[]> actual = run.on(device);
        assertNear(run, "dWeight", actual);
        assertNear(run, "dBias", actual);
      }
    }
  }

  private static List<Op> plusResidual(boolean first) {
    Tensor out = activations("out", 2, 9, 24);
    Tensor residual = activations("residual", 2, 9, 24);
    Tensor bias = new Tensor("bias", DType.F32, Shape.of(24), Arena.PARAMETERS);
    return List.of(
        new Op.MatmulForward(out, activations("in", 2, 9, 10), weight(24, 10), Optional.of(bias)),
        new Op.Add(activations("sum", 2, 9, 24), first ? out : residual, first ? residual : out));
  }

  @ParameterizedTest
  @EnumSource(names = {"FP32", "BF16"})
  void addsTheResidualToAProductBeforeItIsRounded(Precision precision) {
    for (boolean first : new boolean[] {false, true}) {
      OpRun run = stored(plusResidual(first), precision);
      Map<Tensor, float[]> actual = run.on(device);
      assertNear(run, "sum", actual);
      assertFalse(isWritten(run, "out", actual));
    }
  }

  @Test
  void addsAfterTheProductWhereThatIsWanted() {
    List<Op> ops = new ArrayList<>(plusResidual(true));
    Tensor out = ops.getFirst().writes().getFirst();
    ops.add(new Op.GeluForward(activations("gelu", 2, 9, 24), out));
    OpRun run = stored(ops, Precision.FP32);
    Map<Tensor, float[]> actual = run.on(device);
    assertNear(run, "out", actual);
    assertNear(run, "sum", actual);
    assertNear(run, "gelu", actual);
  }

  /** What the library does at once is a version each, and own kernels do the rest. */
  @ParameterizedTest
  @EnumSource(names = {"FP32", "BF16"})
  void everyEpilogueIsAVersionThatOwnKernelsCanDoWithout(Precision precision) {
    OpRun residual = stored(plusResidual(true), precision);
    List<List<String>> launched = new ArrayList<>();
    for (int version = 5; version <= 8; version++) {
      device.chooseKernels(Map.of("matmul_forward", version));
      Map<Tensor, float[]> actual = residual.on(device);
      assertNear(residual, "sum", actual);
      assertEquals(version < 7, isWritten(residual, "out", actual), "v" + version);
      launched.add(commands(residual));
    }
    assertEquals(
        List.of(
            // In 16 bits the product alone would be rounded before its bias.
            precision == Precision.FP32
                ? List.of("product", "bias_forward_v1", "add_v2")
                : List.of("product + bias", "add_v2"),
            List.of("product + bias", "add_v2"),
            List.of("product + bias + residual"),
            List.of("product + bias + residual")),
        launched);
    OpRun slope = stored(throughGelu(24), precision);
    for (int version = 5; version <= 6; version++) {
      device.chooseKernels(Map.of("matmul_backward_input", version));
      Map<Tensor, float[]> actual = slope.on(device);
      assertNear(slope, "dHidden", actual);
      assertEquals(version < 6, isWritten(slope, "dGelu", actual), "v" + version);
    }
  }

  private static List<String> commands(OpRun run) {
    Map<Arena, List<Tensor>> tensors =
        run.ops().stream()
            .flatMap(op -> op.tensors().stream())
            .distinct()
            .collect(Collectors.groupingBy(Tensor::arena));
    List<ArenaLayout> layouts = new ArrayList<>();
    tensors.forEach((arena, all) -> layouts.add(ArenaLayout.sequential(arena, all)));
    return device
        .costs(Plan.of("ops", run.ops(), List.of(), layouts))
        .orElseThrow()
        .commands()
        .stream()
        .map(ProgramCosts.Command::what)
        .toList();
  }

  private static Product product(Epilogue epilogue) {
    return new Product(
        false,
        true,
        16,
        8,
        24,
        new Formats(DType.BF16, DType.BF16, Multiplication.EXACT),
        256,
        256,
        256,
        0,
        epilogue,
        256,
        256,
        256,
        4 << 20);
  }

  @Test
  void fusesGeluWhereThatIsFaster() {
    CudaLibrary.CUBLAS_LT
        .find(CudaLibrary.locator(System.getenv()))
        .ifPresent(
            library -> {
              for (int capability : new int[] {80, 89, 90, 100, 120}) {
                try (BlasLt cublas =
                    CublasLt.open(library, new CudaStream(), capability, Optional.empty())) {
                  boolean gelu = capability == 90 || capability == 100;
                  assertEquals(gelu, cublas.does(product(Epilogue.BIAS_THEN_GELU)));
                  assertEquals(gelu, cublas.does(product(Epilogue.GELU_GRADIENT)));
                  assertTrue(cublas.does(product(Epilogue.BIAS_GRADIENT)));
                  assertTrue(cublas.does(product(Epilogue.BIAS)));
                }
              }
            });
  }
}
