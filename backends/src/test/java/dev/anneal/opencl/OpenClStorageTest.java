package dev.anneal.opencl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.failure.Failure;
import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpCases;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every op with 16-bit activations: in every version as it is written, on every OpenCL device here;
 * and, as compilers make it faster, which takes them several times as long, in the version that the
 * first device gets. {@link OpenClKernelsTest} has all versions so, in fp32.
 */
@ResourceLock("OpenCL")
class OpenClStorageTest {
  private static final int HEAD_SIZE = 17;

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

  /** Whatever of these can be stored in 16 bits, at one size of head, which fills no vector. */
  private static Stream<OpRun> stored(Stream<OpRun> runs, Precision precision) {
    return runs.filter(run -> !(run.op() instanceof Op.EightBit))
        .filter(run -> OpCases.headSize(run.op()).orElse(HEAD_SIZE) == HEAD_SIZE)
        .map(run -> run.stored(precision))
        .filter(run -> run.op().tensors().stream().anyMatch(t -> t.dtype() == precision.storage()));
  }

  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"BF16", "FP16"})
  void everyVersionMatchesTheReference(Precision precision) {
    List<Device> plain = new ArrayList<>();
    try {
      InstalledDevices.all().forEach(info -> plain.add(InstalledDevices.plainly(info)));
      assertEquals(List.of(), errors(stored(OpCases.all(), precision), plain, true));
    } finally {
      plain.forEach(Device::close);
    }
  }

  /** In one format: the other has other loads and stores alone. */
  @Test
  void whatTheDeviceGetsMatchesTheReference() {
    // SafetyNetTest has the other devices' compilers at work, in fp32.
    List<Device> one = DEVICES.subList(0, 1);
    assertEquals(List.of(), errors(stored(OpCases.small(), Precision.BF16), one, false));
  }

  private static List<String> errors(Stream<OpRun> runs, List<Device> devices, boolean all) {
    List<String> errors = new ArrayList<>();
    runs.forEach(
        run -> {
          Map<Tensor, double[]> expected = run.reference();
          for (Device device : devices) {
            List<Map<String, Integer>> choices =
                all ? OpenClVersions.MEANT.of(run.op(), device) : List.of(Map.of());
            for (Map<String, Integer> versions : choices) {
              device.chooseKernels(versions);
              Optional<String> error = OpAccuracy.firstError(run, expected, run.on(device));
              error.ifPresent(
                  what -> errors.add(versions + " on " + device.info().name() + ": " + what));
            }
          }
        });
    return errors;
  }

  @Test
  void refusesToMixFormats() {
    Tensor wide = new Tensor("a", DType.F32, Shape.of(3), Arena.ACTIVATIONS);
    Tensor narrow = new Tensor("b", DType.BF16, Shape.of(3), Arena.ACTIVATIONS);
    OpRun mixed = new OpRun(new Op.Add(narrow, wide, narrow), 1);
    OpRun norm =
        new OpRun(
            new Op.GlobalNorm(
                new Tensor("a", DType.F32, Shape.of(), Arena.ACTIVATIONS), List.of(narrow)),
            1);
    for (OpRun run : List.of(mixed, norm)) {
      Failure failure = assertThrows(Failure.class, () -> run.on(DEVICES.getFirst()));
      assertTrue(failure.getMessage().contains("take dtype fp32"), failure.getMessage());
    }
  }
}
