package dev.anneal.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.device.Device;
import dev.anneal.device.ProductAlgorithm;
import dev.anneal.device.ProductAlgorithm.Source;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.BlasLtControls.Algorithm;
import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Algorithms of a library tried on a double.
 *
 * @param purpose of the cache
 */
public record TrialCases(BlasLtControls library, String purpose, Opening opening) {
  /** What no library answers by itself. */
  private static final int CODE = 719;

  /** How a device is opened. */
  public interface Opening {
    Device open(Map<String, String> environment, boolean deterministic);
  }

  private Device open(TrialScope scope, boolean deterministic) {
    Map<String, String> environment = new HashMap<>(System.getenv());
    environment.put(TrialScope.VARIABLE, scope.name().toLowerCase(Locale.ROOT));
    return opening.open(environment, deterministic);
  }

  /** A device on which all products have algorithms tried. */
  private Device open() {
    return open(TrialScope.ALL, true);
  }

  private List<Path> kept() throws IOException {
    Path folder = CacheDirectory.ofUser(purpose).directory();
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(f -> f.getFileName().toString().startsWith("product-")).toList();
    }
  }

  /** As if nothing had ever been tried, and the double as it is at first. */
  public void forget() throws Throwable {
    library.reset();
    for (Path file : kept()) {
      Files.delete(file);
    }
  }

  private static Tensor tensor(String name, Arena arena, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), arena);
  }

  /** Whose result adds to what is there. */
  private static OpRun accumulated() {
    return new OpRun(
        List.of(
            new Op.MatmulBackwardWeight(
                tensor("dWeight", Arena.GRADIENTS, 24, 32),
                tensor("dOut", Arena.ACTIVATIONS, 2, 9, 24),
                tensor("in", Arena.ACTIVATIONS, 2, 9, 32),
                true)),
        1);
  }

  private static void assertRight(OpRun run, Device device) {
    assertEquals(Optional.empty(), OpAccuracy.firstError(run, run.reference(), run.on(device)));
  }

  private static ProductAlgorithm only(Device device) {
    assertEquals(1, device.productAlgorithms().size(), device.productAlgorithms()::toString);
    return device.productAlgorithms().getFirst();
  }

  private static void assertIs(Algorithm expected, ProductAlgorithm actual) {
    assertTrue(expected.is(actual.algorithm()), actual::toString);
  }

  /** The result of a sum shows that what was there is there again. */
  public void fastestThatRepeatsItsBits() {
    try (Device device = open()) {
      assertRight(accumulated(), device);
      ProductAlgorithm chosen = only(device);
      assertIs(Algorithm.HALVES, chosen);
      assertEquals(Source.TRIAL, chosen.source());
      assertEquals(Algorithm.values().length, chosen.tried());
      assertEquals(3, chosen.dropped());
      assertTrue(chosen.gain() > 1.5, chosen::toString);
      assertEquals(List.of(), device.notes());
    }
  }

  public void anyBitsWhereTheyNeedNotRepeat() {
    try (Device device = open(TrialScope.ALL, false)) {
      assertRight(accumulated(), device);
      assertIs(Algorithm.OTHER_BITS, only(device));
    }
    // Which is no choice for who wants the same bits.
    try (Device device = open()) {
      assertRight(accumulated(), device);
      assertIs(Algorithm.HALVES, only(device));
    }
  }

  public void smallProductsAndWhoeverWantsNoneTryNone() throws Throwable {
    for (TrialScope scope : new TrialScope[] {TrialScope.LARGE, TrialScope.OFF}) {
      try (Device device = open(scope, true)) {
        int before = library.products();
        assertRight(accumulated(), device);
        assertEquals(1, library.products() - before);
        assertEquals(Source.FIRST, only(device).source());
      }
    }
  }

  public void isTriedOnceForADeviceAndAVersion() throws Throwable {
    try (Device device = open()) {
      assertRight(accumulated(), device);
      // Another program of the same device asks nothing.
      int before = library.products();
      assertRight(accumulated(), device);
      assertEquals(1, library.products() - before);
    }
    try (Device device = open()) {
      int before = library.products();
      assertRight(accumulated(), device);
      assertEquals(1, library.products() - before);
      assertEquals(Source.KEPT, only(device).source());
      assertEquals(Algorithm.values().length, only(device).tried());
      assertIs(Algorithm.HALVES, only(device));
    }
    library.isNewer(true);
    try (Device device = open()) {
      assertRight(accumulated(), device);
      assertEquals(Source.TRIAL, only(device).source());
      assertEquals(List.of(), device.notes());
    }
  }

  public void aDamagedFileIsOneLineAndANewTrial() throws Throwable {
    try (Device device = open()) {
      assertRight(accumulated(), device);
    }
    assertEquals(1, kept().size());
    Path file = kept().getFirst();
    String whole = Files.readString(file);
    for (String damaged :
        List.of("", "x", whole.replace("01", "02"), whole + whole, whole.substring(9))) {
      Files.writeString(file, damaged);
      try (Device device = open()) {
        assertRight(accumulated(), device);
        assertEquals(Source.TRIAL, only(device).source());
        List<String> notes = device.notes();
        assertEquals(damaged.isEmpty() ? 0 : 1, notes.size(), notes::toString);
        assertTrue(damaged.isEmpty() || notes.getFirst().contains(file + ", "), notes::toString);
      }
      assertEquals(whole.split(" ")[1], Files.readString(file).split(" ")[1]);
    }
  }

  public void ownKernelsWhereNoneCanBeUsed() throws Throwable {
    Map<Algorithm, String> whys =
        Map.of(
            Algorithm.FAILS, "status 7)",
            Algorithm.GREEDY, "more workspace",
            Algorithm.OTHER_BITS, "none gives the same bits twice");
    for (Map.Entry<Algorithm, String> why : whys.entrySet()) {
      library.offer(why.getKey());
      try (Device device = open()) {
        assertRight(accumulated(), device);
        assertEquals(List.of(), device.productAlgorithms());
        assertEquals(1, device.notes().size(), device.notes()::toString);
        String note = device.notes().getFirst();
        assertTrue(note.endsWith("so own kernels do it"), note);
        assertTrue(
            note.contains(why.getValue()) || note.contains(why.getValue().replace("7", "15")),
            note);
      }
    }
  }

  /** A few steps: what they lose and what they leave. */
  private record Steps(List<Float> losses, List<List<Integer>> parameters) {
    static Steps on(Device device) {
      try (SmallStep step = new SmallStep(device)) {
        List<Float> losses = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
          losses.add(step.run());
        }
        return new Steps(losses, step.parameters().stream().map(Steps::bits).toList());
      }
    }

    private static List<Integer> bits(float[] values) {
      List<Integer> bits = new ArrayList<>();
      for (float value : values) {
        bits.add(Float.floatToRawIntBits(value));
      }
      return bits;
    }
  }

  private static Map<String, String> recorded(Device device) {
    return device.productAlgorithms().stream()
        .collect(Collectors.toMap(ProductAlgorithm::product, ProductAlgorithm::recorded));
  }

  /**
   * Parameters are on the device when algorithms are tried, and gradients when the program is
   * compiled again.
   */
  public void trainsAsWithTheSameAlgorithmsAndNoTrial() throws Throwable {
    Steps tried;
    Map<String, String> recorded;
    try (Device device = open()) {
      tried = Steps.on(device);
      recorded = recorded(device);
      assertTrue(
          device.productAlgorithms().stream().allMatch(p -> Algorithm.HALVES.is(p.algorithm())),
          device.productAlgorithms()::toString);
      assertTrue(recorded.size() >= 9, recorded::toString);
    }
    forget();
    try (Device device = open(TrialScope.OFF, true)) {
      device.useAlgorithms(recorded);
      assertEquals(tried, Steps.on(device));
      assertEquals(recorded, recorded(device));
      assertTrue(
          device.productAlgorithms().stream().allMatch(p -> p.source() == Source.RUN),
          device.productAlgorithms()::toString);
      assertEquals(List.of(), device.notes());
      // A run that begins has no others' algorithms.
      device.useAlgorithms(Map.of());
      assertFalse(tried.equals(Steps.on(device)));
    }
  }

  public void saysWhereARunCannotHaveItsAlgorithms() throws Throwable {
    Map<String, String> recorded;
    try (Device device = open()) {
      assertRight(accumulated(), device);
      recorded = recorded(device);
    }
    library.isNewer(true);
    try (Device device = open()) {
      device.useAlgorithms(recorded);
      assertRight(accumulated(), device);
      assertEquals(1, device.notes().size(), device.notes()::toString);
      assertTrue(device.notes().getFirst().contains("bits may differ"), device.notes()::toString);
      assertEquals(Source.TRIAL, only(device).source());
    }
    library.isNewer(false);
    try (Device device = open()) {
      device.useAlgorithms(
          Map.of(recorded.keySet().iterator().next(), only(recorded).replaceAll(": .*", ": 12")));
      assertRight(accumulated(), device);
      assertEquals(1, device.notes().size(), device.notes()::toString);
    }
  }

  private static String only(Map<String, String> recorded) {
    return recorded.values().iterator().next();
  }

  /** Nothing is hidden: another algorithm, own kernels and a line, or a failure that names it. */
  public void whateverFailsIsSaid(DoubleControls controls, String prefix) throws Throwable {
    // Where no algorithm runs, own kernels do; where the library offers none for a trial, too.
    for (String call : List.of("Matmul", "MatmulAlgoGetHeuristic")) {
      forget();
      List<String> notes = failing(controls, prefix + call, call.equals("Matmul") ? 0 : 1);
      assertEquals(1, notes.size(), notes::toString);
      assertTrue(notes.getFirst().contains("status " + CODE), notes::toString);
      assertTrue(notes.getFirst().endsWith("so own kernels do it"), notes::toString);
    }
    // Where copies or events fail, the device is lost.
    for (String call : List.of("MemcpyDtoHAsync", "EventRecord")) {
      forget();
      boolean cuda = prefix.startsWith("cu");
      String name = (cuda ? "cu" : "hip") + call + (cuda && call.startsWith("Mem") ? "_v2" : "");
      Failure failure = assertThrows(Failure.class, () -> failing(controls, name, 3));
      assertEquals(ExitCode.BACKEND, failure.exitCode(), failure.getMessage());
      assertEquals(1, failure.getMessage().lines().count(), failure.getMessage());
      assertEquals(List.of(), kept());
    }
  }

  private List<String> failing(DoubleControls controls, String call, int after) throws Throwable {
    try (Device device = open()) {
      controls.fail(call, CODE, after);
      assertRight(accumulated(), device);
      assertTrue(controls.failures() > 0, call);
      return device.notes();
    } finally {
      controls.fail("", 0, 0);
    }
  }
}
