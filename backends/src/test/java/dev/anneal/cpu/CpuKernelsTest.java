package dev.anneal.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every op of the CPU against the reference, at shapes around every tile. */
class CpuKernelsTest {
  /** Relative in norm; elementwise ops come much closer. */
  private static final double TOLERANCE = 1e-5;

  static Stream<OpOnCpu> cases() {
    return OpCases.all();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void matchesTheReference(OpOnCpu run) {
    Map<Tensor, double[]> expected = run.reference();
    Map<Tensor, float[]> actual = run.onCpu(2);
    for (Tensor tensor : run.op().writes()) {
      double difference = 0;
      double norm = 0;
      for (int i = 0; i < expected.get(tensor).length; i++) {
        double e = expected.get(tensor)[i];
        double d = actual.get(tensor)[i] - e;
        assertTrue(Double.isFinite(d), run.op().kind() + " leaves " + tensor + "[" + i + "] unset");
        difference += d * d;
        norm += e * e;
      }
      assertTrue(
          Math.sqrt(difference) <= TOLERANCE * Math.sqrt(norm) + 1e-12,
          run.op() + ": " + tensor + " is off by " + Math.sqrt(difference / norm));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void hasTheSameBitsWithAnyNumberOfThreads(OpOnCpu run) {
    Map<Tensor, float[]> one = run.onCpu(1);
    for (int threads = 2; threads <= 4; threads++) {
      Map<Tensor, float[]> many = run.onCpu(threads);
      for (Tensor tensor : run.op().writes()) {
        assertArrayEquals(one.get(tensor), many.get(tensor), run.op().kind() + " " + tensor);
      }
    }
  }

  @Test
  void everyKindOfOpIsTested() {
    long kinds = cases().map(run -> run.op().getClass()).distinct().count();
    long ops = Stream.of(Op.class.getDeclaredClasses()).filter(Class::isRecord).count();
    assertEquals(ops - 1, kinds, "all but AttentionBackward, which has a test of its own");
  }

  @Test
  void hasTheSameBitsAtEveryVectorWidth() throws Exception {
    String own = OpCases.checksum();
    for (int bits : new int[] {128, 256, 512}) {
      if (bits <= jdk.incubator.vector.FloatVector.SPECIES_PREFERRED.vectorBitSize()) {
        assertEquals(own, checksumAt(bits), bits + " bits");
      }
    }
  }

  private static String checksumAt(int bits) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                System.getProperty("java.home") + "/bin/java",
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-Danneal.vector.bits=" + bits,
                "-cp",
                System.getProperty("java.class.path"),
                OpCases.class.getName())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor());
    return out.strip();
  }
}
