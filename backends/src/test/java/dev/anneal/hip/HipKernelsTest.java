package dev.anneal.hip;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.anneal.device.Device;
import dev.anneal.gpu.GpuCases;
import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpCases;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.DType;
import dev.anneal.plan.Tensor;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every op, in every version, on the test double's devices of both waves. */
@ResourceLock("double of HIP")
class HipKernelsTest {
  private static final Map<Integer, Device> DEVICES = new HashMap<>();

  @BeforeAll
  static void open() {
    HipDouble.compileAll();
    HipDouble.WAVES.forEach(wave -> DEVICES.put(wave, HipDouble.open(wave)));
  }

  @AfterAll
  static void close() {
    DEVICES.values().forEach(Device::close);
    DEVICES.clear();
  }

  static Stream<OpRun> cases() {
    return Stream.concat(OpCases.all(), GpuCases.all());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void everyVersionMatchesTheReferenceAndItselfAtWave64(OpRun run) {
    Device device = DEVICES.get(64);
    Map<String, Integer> before = device.kernelVersions();
    for (Map<String, Integer> chosen : GpuCases.versions(run.op(), device)) {
      device.chooseKernels(chosen);
      Map<Tensor, float[]> actual = run.on(device);
      assertEquals(
          Optional.empty(),
          OpAccuracy.firstError(run, run.reference(), actual),
          () -> chosen.toString());
      Map<Tensor, float[]> again = run.on(device);
      for (Tensor tensor : run.results()) {
        assertArrayEquals(actual.get(tensor), again.get(tensor), () -> chosen + " " + tensor);
      }
    }
    device.chooseKernels(before);
  }

  /** The other versions know no wave, and those of this wave are tested as CUDA's. */
  @ParameterizedTest
  @MethodSource("cases")
  void theLastVersionMatchesTheReferenceAtWave32(OpRun run) {
    matches(run, 32);
  }

  static Stream<OpRun> sixteenBits() {
    return GpuCases.sixteenBits();
  }

  @ParameterizedTest
  @MethodSource("sixteenBits")
  void theLastVersionMatchesTheReferenceInBf16AtBothWaves(OpRun run) {
    HipDouble.WAVES.forEach(wave -> matches(run, wave));
  }

  static Stream<OpRun> eightBits() {
    return GpuCases.eightBits();
  }

  @ParameterizedTest
  @MethodSource("eightBits")
  void theLastVersionMatchesTheReferenceInEightBitsAtBothWaves(OpRun run) {
    HipDouble.WAVES.forEach(wave -> matches(run, wave));
  }

  static Stream<OpRun> fnuz() {
    return GpuCases.eightBits(DType.F8E4M3FNUZ, DType.F8E5M2FNUZ);
  }

  @ParameterizedTest
  @MethodSource("fnuz")
  void theLastVersionMatchesTheReferenceInFnuz(OpRun run) {
    matches(run, 64);
  }

  private static void matches(OpRun run, int wave) {
    Device device = DEVICES.get(wave);
    assertEquals(Optional.empty(), OpAccuracy.firstError(run, run.reference(), run.on(device)));
  }
}
