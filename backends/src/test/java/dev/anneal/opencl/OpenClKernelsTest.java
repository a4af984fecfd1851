package dev.anneal.opencl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.anneal.cpu.CpuBackend;
import dev.anneal.device.Availability;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpCases;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every op, in every version, on every OpenCL device here, at shapes around every tile. */
@ResourceLock("OpenCL")
class OpenClKernelsTest {
  /** Each is a build of its own: one that fills no vector, and GPT-2's. */
  private static final Set<Integer> HEAD_SIZES = Set.of(17, 64);

  private static final List<Device> DEVICES = new ArrayList<>();

  @BeforeAll
  static void open() {
    InstalledDevices.all()
        .forEach(info -> DEVICES.add(new OpenClBackend().open(info, DeviceOptions.defaults())));
  }

  @AfterAll
  static void close() {
    DEVICES.forEach(Device::close);
  }

  static Stream<OpRun> cases() {
    return OpCases.all()
        .filter(run -> !(run.op() instanceof Op.EightBit))
        .filter(run -> HEAD_SIZES.contains(OpCases.headSize(run.op()).orElse(17)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void everyVersionMatchesTheReferenceAndItself(OpRun run) {
    Map<Tensor, double[]> expected = run.reference();
    for (Device device : DEVICES) {
      for (Map<String, Integer> versions : OpenClVersions.MEANT.of(run.op(), device)) {
        device.chooseKernels(versions);
        Map<Tensor, float[]> actual = run.on(device);
        assertEquals(
            Optional.empty(),
            OpAccuracy.firstError(run, expected, actual),
            () -> versions + " on " + device.info().name());
        Map<Tensor, float[]> again = run.on(device);
        for (Tensor tensor : run.results()) {
          assertArrayEquals(actual.get(tensor), again.get(tensor), () -> versions + " " + tensor);
        }
      }
    }
  }

  /** As their files say: every version adds the same numbers in the same order. */
  @Test
  void versionsOfProductsAndElementwiseOpsHaveTheSameBits() {
    for (Device device : DEVICES) {
      cases()
          .filter(OpenClKernelsTest::hasOneOrder)
          .forEach(
              run -> {
                Map<Tensor, float[]> plain = Map.of();
                for (Map<String, Integer> versions : OpenClVersions.MEANT.of(run.op(), device)) {
                  device.chooseKernels(versions);
                  Map<Tensor, float[]> results = run.on(device);
                  plain = plain.isEmpty() ? results : plain;
                  for (Tensor tensor : run.results()) {
                    assertArrayEquals(plain.get(tensor), results.get(tensor), versions + " " + run);
                  }
                }
              });
    }
  }

  private static boolean hasOneOrder(OpRun run) {
    return switch (run.op()) {
      // With fewer rows, version 3 sums in lanes.
      case Op.MatmulForward o -> o.in().shape().rows() >= 4;
      case Op.MatmulBackwardInput o -> true;
      case Op.MatmulBackwardWeight o -> true;
      case Op.TokenEmbeddingBackward o -> true;
      case Op.CrossEntropyBackward o -> true;
      case Op.GeluForward o -> true;
      case Op.GeluBackward o -> true;
      case Op.SwiGluForward o -> true;
      case Op.SwiGluBackward o -> true;
      case Op.AdamW o -> true;
      default -> false;
    };
  }

  /** The exponential and what is made of it are the same operations in the same order. */
  @Test
  void elementwiseOpsHaveTheCpusBits() {
    DeviceInfo info = ((Availability.Available) new CpuBackend().probe()).devices().getFirst();
    try (Device cpu = new CpuBackend().open(info, DeviceOptions.threads(1))) {
      cases()
          .filter(
              run ->
                  run.op() instanceof Op.GeluForward
                      || run.op() instanceof Op.GeluBackward
                      || run.op() instanceof Op.SwiGluForward
                      || run.op() instanceof Op.SwiGluBackward
                      || run.op() instanceof Op.Grouped
                      || run.op() instanceof Op.CrossEntropyBackward
                      || run.op() instanceof Op.AdamW)
          .forEach(
              run -> {
                Map<Tensor, float[]> expected = run.on(cpu);
                for (Device device : DEVICES) {
                  if (((OpenClDevice) device).limits().roundsDivision()) {
                    Map<Tensor, float[]> actual = run.on(device);
                    for (Tensor tensor : run.results()) {
                      assertArrayEquals(
                          expected.get(tensor), actual.get(tensor), run + " " + tensor);
                    }
                  }
                }
              });
    }
  }
}
