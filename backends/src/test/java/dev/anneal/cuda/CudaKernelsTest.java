package dev.anneal.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.anneal.device.Device;
import dev.anneal.device.KernelFamily;
import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpCases;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every op, in every version, on the test double, at shapes around every tile. */
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
    return Stream.concat(OpCases.all(), CudaCases.all());
  }

  /** Each version of the op's kernel; one empty choice when it has one only. */
  static List<Map<String, Integer>> versions(Op op, Device device) {
    List<Map<String, Integer>> choices = new ArrayList<>();
    for (KernelFamily family : device.kernels()) {
      for (int v = 1; family.op().isInstance(op) && v <= family.versions(); v++) {
        choices.add(Map.of(family.name(), v));
      }
    }
    return choices.isEmpty() ? List.of(Map.of()) : choices;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void everyVersionMatchesTheReferenceAndItself(OpRun run) {
    matches(run, versions(run.op(), device));
  }

  /** Ops that have anything in 16 bits, but for those of decoding, which is in fp32. */
  static Stream<OpRun> sixteenBits() {
    return Stream.concat(OpCases.small(), CudaCases.all())
        .filter(run -> !(run.op() instanceof Op.CachedAttention))
        .map(run -> run.copied(DType.BF16).stored(Precision.BF16))
        .filter(
            run ->
                run.ops().stream()
                    .flatMap(op -> op.tensors().stream())
                    .anyMatch(tensor -> tensor.dtype() == DType.BF16));
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
            .flatMap(op -> versions(op, device).stream())
            .toList());
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
