package dev.anneal.hip;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.Availability;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.LibraryInfo;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.DoubleControls;
import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.SmallStep;
import dev.anneal.gpu.TestDouble;
import dev.anneal.plan.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** What a user meets when something about HIP is missing, old, full or lost. */
@ResourceLock("double of HIP")
class HipBackendTest {

  /** What a process finds whose loader looks into {@code folder} first. */
  private static String probe(Path folder, Map<String, String> environment) throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(
            System.getProperty("java.home") + "/bin/java",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            Probe.class.getName());
    builder.environment().put("LD_LIBRARY_PATH", folder.toString());
    builder.environment().putAll(environment);
    Process process = builder.redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String out = new String(process.getInputStream().readAllBytes()).strip();
    assertEquals(0, process.waitFor(), out);
    return out.lines().reduce((first, second) -> second).orElse(out);
  }

  /** Prints what the backend finds. */
  static final class Probe {
    private Probe() {}

    public static void main(String[] arguments) {
      System.out.println(new HipBackend().probe());
    }
  }

  @Test
  void findsTheDoublesDevicesOfBothWavesAndAllMatrixUnits() {
    TestDouble.build();
    List<DeviceInfo> devices = ((Availability.Available) new HipBackend().probe()).devices();
    assertEquals(HipDouble.ARCHITECTURES.size(), devices.size());
    String details = devices.getFirst().details();
    assertTrue(details.startsWith("gfx942, wave of 64, HIP 7.0 (/"), details);
    assertTrue(details.contains("libhiprtc.so.7"), details);
    assertTrue(details.contains("libhipblaslt.so.1"), details);
    assertTrue(details.endsWith("compiled and emulated, not yet run on a GPU"), details);
    assertTrue(devices.get(1).details().startsWith("gfx1100, wave of 32"));
    assertTrue(devices.get(2).details().startsWith("gfx1201, wave of 32"));
  }

  @Test
  void listsItsLibraries() {
    TestDouble.build();
    List<LibraryInfo> libraries = new HipBackend().libraries();
    assertEquals(
        List.of("libamdhip64", "libhiprtc", "libhipblaslt", "librccl"),
        libraries.stream().map(LibraryInfo::name).toList());
    LibraryInfo.Found runtime = (LibraryInfo.Found) libraries.getFirst();
    assertEquals("7.0", runtime.version().orElseThrow());
  }

  @Test
  void saysWhyThereIsNoDevice(@TempDir Path empty) throws Exception {
    String found = probe(empty, Map.of());
    assertTrue(
        found.matches("Missing.reason=no ROCm: libamdhip64.so.5 or a newer one is not .*")
            || found.matches("Missing.reason=the HIP runtime .*libamdhip64.* finds no GPU; .*")
            || found.startsWith("Available"),
        found);
    TestDouble.build();
    found = probe(TestDouble.directory(), Map.of("ANNEAL_DOUBLE_NO_DEVICE", "1"));
    assertTrue(found.matches("Missing.reason=the HIP runtime .*double.* finds no GPU; .*"), found);
  }

  @Test
  void saysWhatAnOldRuntimeLacks(@TempDir Path folder) throws Exception {
    TestDouble.build();
    Path source =
        Files.writeString(folder.resolve("old.cpp"), "extern \"C\" int hipInit(int) { return 0; }");
    Path library = folder.resolve("libamdhip64.so.7");
    assertEquals(
        List.of(),
        TestDouble.run(folder, "g++", "-shared", "-fPIC", "-o", library + "", source + ""));
    String found = probe(folder, Map.of());
    assertTrue(found.contains("has no function hipRuntimeGetVersion; install a newer"), found);
  }

  @Test
  void findsTheArchitectureInPropertiesOfAnyVersion() {
    for (int place : new int[] {396, 1160}) {
      byte[] properties = new byte[2048];
      put(properties, 0, "Radeon gfx1"); // A name that looks like one.
      put(properties, place, "gfx90a:sramecc+:xnack-");
      assertEquals("gfx90a", Architecture.in(properties).name());
    }
    assertThrows(Failure.class, () -> Architecture.in(new byte[2048]));
  }

  private static void put(byte[] to, int at, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(bytes, 0, to, at, bytes.length);
  }

  @Test
  void searchesRocmsFolderAndPythonsWheels(@TempDir Path home) throws Exception {
    Path wheel = home.resolve("lib/python3.12/site-packages/_rocm_sdk_core/lib");
    Files.createDirectories(wheel);
    LibraryLocator locator =
        HipLibrary.locator(Map.of("ROCM_PATH", "/elsewhere", "VIRTUAL_ENV", home.toString()));
    assertEquals(Path.of("/elsewhere/lib"), locator.folders().getFirst());
    assertTrue(locator.folders().contains(wheel), locator.folders().toString());
  }

  @Test
  void saysWhatDoesNotFit() throws Throwable {
    try (Device device = HipDouble.open(64)) {
      DoubleControls.HIP.capacity(1000);
      Failure failure = assertThrows(Failure.class, () -> device.allocate(Arena.PARAMETERS, 5000));
      assertEquals(ExitCode.FAILED, failure.exitCode());
      assertTrue(failure.getMessage().startsWith("the parameters need 5000 bytes; the device has"));
    } finally {
      DoubleControls.HIP.capacity(4L << 30);
    }
  }

  @Test
  void aLostDeviceIsAFailureWithItsReason() throws Throwable {
    try (Device device = HipDouble.open(32);
        SmallStep step = new SmallStep(device)) {
      step.run();
      DoubleControls.HIP.lose(719);
      Failure failure = assertThrows(Failure.class, step::run);
      assertEquals(ExitCode.BACKEND, failure.exitCode());
      assertTrue(failure.getMessage().contains("hipErrorLaunchFailure"), failure.getMessage());
      DoubleControls.HIP.lose(0);
    } finally {
      DoubleControls.HIP.lose(0);
    }
  }
}
