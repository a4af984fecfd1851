package dev.anneal.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.Device;
import dev.anneal.gpu.GpuCases;
import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpCases;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Multiplication;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every op, in every version, on the test double, at shapes around every tile. */
@ResourceLock("double of CUDA")
class CudaKernelsTest {
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

  static Stream<OpRun> cases() {
    return Stream.concat(OpCases.all(), GpuCases.all());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void everyVersionMatchesTheReferenceAndItself(OpRun run) {
    matches(run, GpuCases.versions(run.op(), device));
  }

  static Stream<OpRun> sixteenBits() {
    return GpuCases.sixteenBits();
  }

  @ParameterizedTest
  @MethodSource("sixteenBits")
  void everyVersionMatchesTheReferenceInBf16(OpRun run) {
    matches(
        run,
        run.ops().stream()
            .collect(Collectors.toMap(Op::getClass, op -> op, (first, later) -> first))
            .values()
            .stream()
            .flatMap(op -> GpuCases.versions(op, device).stream())
            .toList());
  }

  static Stream<OpRun> productsOfEightBits() {
    return GpuCases.eightBits().filter(run -> run.op() instanceof Op.ScaledMatmul);
  }

  /** The library takes whole sixteens alone, which plans see to. */
  @ParameterizedTest
  @MethodSource("productsOfEightBits")
  void everyVersionMatchesTheReferenceInEightBits(OpRun run) {
    boolean sixteens =
        run.op().tensors().stream()
            .flatMap(
                tensor ->
                    tensor.shape().dims().stream().skip(Math.max(0, tensor.shape().rank() - 2)))
            .allMatch(size -> size % 16 == 0);
    matches(
        run,
        GpuCases.versions(run.op(), device).stream()
            .filter(version -> sixteens || version.getOrDefault("scaled_matmul", 1) == 1)
            .toList());
  }

  /** The library loses bits when it may, and then only. */
  @Test
  void productsAreLessExactOnlyWhereThePlanAllowsIt() {
    List<OpRun> products =
        OpCases.small()
            .filter(run -> run.op().kind().startsWith("Matmul"))
            .map(run -> run.multiplying(Multiplication.TF32))
            .toList();
    assertFalse(products.isEmpty());
    for (OpRun run : products) {
      Map<Tensor, double[]> expected = run.reference();
      Map<Tensor, float[]> fast = run.on(device);
      assertEquals(Optional.empty(), OpAccuracy.firstError(run, expected, fast));
      OpRun exact = run.multiplying(Multiplication.EXACT);
      assertTrue(OpAccuracy.firstError(exact, expected, fast).isPresent(), run.toString());
    }
  }

  /** Stochastic rounding has the reference's random bits, so nearly all results are the same. */
  @Test
  void roundsStochasticallyAsTheReferenceDoes() {
    OpRun run = GpuCases.sixteenBits().filter(r -> r.op() instanceof Op.AdamW).toList().getLast();
    Tensor parameter = ((Op.AdamW) run.op()).parameter();
    double[] expected = run.reference().get(parameter);
    for (Map<String, Integer> version : GpuCases.versions(run.op(), device)) {
      device.chooseKernels(version);
      float[] actual = run.on(device).get(parameter);
      long same = IntStream.range(0, actual.length).filter(i -> actual[i] == expected[i]).count();
      assertTrue(same > 0.99 * actual.length, version + ": " + same + " of " + actual.length);
    }
  }

  private static void matches(OpRun run, List<Map<String, Integer>> choices) {
    Map<Tensor, double[]> expected = run.reference();
    Map<String, Integer> before = device.kernelVersions();
    for (Map<String, Integer> chosen : choices) {
      device.chooseKernels(before);
      device.chooseKernels(chosen);
      Map<Tensor, float[]> actual = run.on(device);
      assertEquals(
          Optional.empty(), OpAccuracy.firstError(run, expected, actual), () -> chosen.toString());
      Map<Tensor, float[]> again = run.on(device);
      for (Tensor tensor : run.results()) {
        assertArrayEquals(actual.get(tensor), again.get(tensor), () -> chosen + " " + tensor);
      }
    }
    device.chooseKernels(before);
  }
}
