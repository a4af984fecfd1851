package dev.anneal.hip;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.anneal.gpu.GpuDevice;
import dev.anneal.gpu.SpreadDevice;
import dev.anneal.gpu.TensorCoreCases;
import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Ops in bf16 whose kernels are for matrix units, on the double of each, at shapes around tiles.
 */
@ResourceLock("double of HIP")
class MatrixUnitsTest {
  private static final Map<String, SpreadDevice> DEVICES = new LinkedHashMap<>();

  @BeforeAll
  static void open() {
    for (String architecture : HipDouble.ARCHITECTURES) {
      SpreadDevice device = new SpreadDevice((GpuDevice) HipDouble.open(architecture));
      device.chooseKernels(TensorCoreCases.VERSIONS);
      DEVICES.put(architecture, device);
    }
  }

  @AfterAll
  static void close() {
    DEVICES.values().forEach(SpreadDevice::close);
    DEVICES.clear();
  }

  static Stream<OpRun> cases() {
    return TensorCoreCases.all();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void eachMatchesTheReferenceAndItself(OpRun run) {
    Map<Tensor, double[]> expected = run.reference();
    DEVICES.forEach((architecture, device) -> matches(run, expected, architecture, device));
  }

  static Stream<OpRun> laterAttention() {
    return TensorCoreCases.laterAttention();
  }

  @ParameterizedTest
  @MethodSource("laterAttention")
  void attentionByProductsOf32MatchesTheReferenceAndItselfOnCdna(OpRun run) {
    SpreadDevice device = requireNonNull(DEVICES.get("gfx942"));
    device.chooseKernels(TensorCoreCases.LATER_ATTENTION);
    matches(run, run.reference(), "gfx942", device);
    device.chooseKernels(TensorCoreCases.VERSIONS);
  }

  static Stream<OpRun> laterProducts() {
    return TensorCoreCases.laterProducts();
  }

  @ParameterizedTest
  @MethodSource("laterProducts")
  void deepProductsMatchTheReferenceAndThemselves(OpRun run) {
    Map<Tensor, double[]> expected = run.reference();
    DEVICES.forEach(
        (architecture, device) -> {
          device.chooseKernels(TensorCoreCases.LATER_PRODUCTS);
          matches(run, expected, architecture, device);
          device.chooseKernels(TensorCoreCases.VERSIONS);
        });
  }

  private static void matches(
      OpRun run, Map<Tensor, double[]> expected, String architecture, SpreadDevice device) {
    Map<Tensor, float[]> actual = run.on(device);
    assertEquals(Optional.empty(), OpAccuracy.firstError(run, expected, actual), architecture);
    Map<Tensor, float[]> again = run.on(device);
    for (Tensor tensor : run.results()) {
      assertArrayEquals(actual.get(tensor), again.get(tensor), () -> architecture + " " + tensor);
    }
  }
}
