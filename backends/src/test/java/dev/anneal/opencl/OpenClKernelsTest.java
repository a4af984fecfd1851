package dev.anneal.opencl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpCases;
import dev.anneal.ops.OpRun;
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

/** Every op, in every version, on every OpenCL device here, at shapes around every tile. */
class OpenClKernelsTest {
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
    return OpCases.all();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void everyVersionMatchesTheReferenceAndItself(OpRun run) {
    Map<Tensor, double[]> expected = run.reference();
    for (Device device : DEVICES) {
      for (Map<String, Integer> versions : OpenClVersions.of(run.op(), device)) {
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
}
