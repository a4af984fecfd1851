package dev.anneal.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.anneal.device.Device;
import dev.anneal.device.KernelFamily;
import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpCases;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
    Map<Tensor, double[]> expected = run.reference();
    for (Map<String, Integer> chosen : versions(run.op(), device)) {
      device.chooseKernels(chosen);
      Map<Tensor, float[]> actual = run.on(device);
      assertEquals(
          Optional.empty(), OpAccuracy.firstError(run, expected, actual), () -> chosen.toString());
      Map<Tensor, float[]> again = run.on(device);
      for (Tensor tensor : run.results()) {
        assertArrayEquals(actual.get(tensor), again.get(tensor), () -> chosen + " " + tensor);
      }
    }
  }
}
