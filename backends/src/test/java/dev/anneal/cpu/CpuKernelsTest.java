package dev.anneal.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpCases;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.OpKinds;
import dev.anneal.plan.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every op of the CPU against the reference, at shapes around every tile. */
class CpuKernelsTest {
  private static Map<Tensor, float[]> onCpu(OpRun run, int threads) {
    try (Device device = new CpuDevice(HostCpu.describe(), DeviceOptions.threads(threads))) {
      return run.on(device);
    }
  }

  static Stream<OpRun> cases() {
    return OpCases.all();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void matchesTheReference(OpRun run) {
    assertEquals(Optional.empty(), OpAccuracy.firstError(run, run.reference(), onCpu(run, 2)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void hasTheSameBitsWithAnyNumberOfThreads(OpRun run) {
    Map<Tensor, float[]> one = onCpu(run, 1);
    for (int threads = 2; threads <= 4; threads++) {
      Map<Tensor, float[]> many = onCpu(run, threads);
      for (Tensor tensor : run.results()) {
        assertArrayEquals(one.get(tensor), many.get(tensor), run.op().kind() + " " + tensor);
      }
    }
  }

  @Test
  void everyKindOfOpIsTested() {
    List<Class<?>> tested = cases().<Class<?>>map(run -> run.op().getClass()).distinct().toList();
    assertEquals(List.of(), OpKinds.missing(OpKinds.all(), tested));
  }

  @Test
  void hasTheSameBitsAtEveryVectorWidth() throws Exception {
    String own = Checksum.ofAllOps();
    for (int bits : new int[] {128, 256, 512}) {
      if (bits < jdk.incubator.vector.FloatVector.SPECIES_PREFERRED.vectorBitSize()) {
        assertEquals(own, checksumAt(bits), bits + " bits");
      }
    }
  }

  private static String checksumAt(int bits) throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(
                System.getProperty("java.home") + "/bin/java",
                "@../jvm.options",
                "-cp",
                System.getProperty("java.class.path"),
                Checksum.class.getName())
            .redirectError(ProcessBuilder.Redirect.DISCARD);
    builder.environment().put("ANNEAL_VECTOR_BITS", String.valueOf(bits));
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor());
    return out.strip();
  }
}
