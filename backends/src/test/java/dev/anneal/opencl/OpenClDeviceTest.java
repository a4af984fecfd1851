package dev.anneal.opencl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.Memory;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.launch.KernelVersions;
import dev.anneal.launch.Language;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** Memory, the cache of binaries, and what goes wrong, on the first OpenCL device here. */
@ResourceLock("OpenCL")
class OpenClDeviceTest {
  private static final OpRun ADD = new OpRun(new Op.Add(f("out"), f("a"), f("b")), 1);

  @TempDir private Path directory;

  private static Tensor f(String name) {
    return new Tensor(name, DType.F32, Shape.of(100), Arena.INPUTS);
  }

  private OpenClDevice open() {
    DeviceInfo info = InstalledDevices.all().getFirst();
    if (Platforms.search() instanceof Platforms.Found(List<DeviceHandle> handles)) {
      return new OpenClDevice(
          info, handles.getFirst(), DeviceOptions.defaults(), new CacheDirectory(directory));
    }
    throw new IllegalStateException("the devices went away");
  }

  private List<Path> binaries() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.toList();
    }
  }

  private void add() {
    try (OpenClDevice device = open()) {
      Map<Tensor, float[]> result = ADD.on(device);
      double[] expected = ADD.reference().get(ADD.results().getFirst());
      float[] actual = result.get(ADD.results().getFirst());
      for (int i = 0; i < actual.length; i++) {
        assertEquals(expected[i], actual[i], 1e-6);
      }
    }
  }

  @Test
  void keepsBinariesAndIgnoresDamagedOnes() throws IOException {
    add();
    List<Path> first = binaries();
    assertEquals(1, first.size());
    byte[] good = Files.readAllBytes(first.getFirst());
    Files.write(first.getFirst(), new byte[] {1, 2, 3});
    add();
    assertArrayEquals(good, Files.readAllBytes(first.getFirst()), "written again");
    byte[] flipped = good.clone();
    flipped[good.length / 2] ^= 1;
    Files.write(first.getFirst(), flipped);
    add();
    assertArrayEquals(good, Files.readAllBytes(first.getFirst()), "written again");
    assertEquals(first, binaries(), "nothing is left beside");
  }

  @Test
  void worksWithoutACache() throws IOException {
    Files.writeString(directory.resolve("file"), "");
    directory = directory.resolve("file").resolve("below");
    add();
  }

  @Test
  void memoryBeginsAsZerosAndTakesAnyBytes() {
    try (OpenClDevice device = open();
        Memory memory = device.allocate(Arena.INPUTS, 10)) {
      byte[] read = new byte[10];
      device.copyOut(memory, 0, MemorySegment.ofArray(read));
      assertArrayEquals(new byte[10], read);
      byte[] some = {1, 2, 3};
      device.copyIn(memory, 7, MemorySegment.ofArray(some));
      device.copyOut(memory, 0, MemorySegment.ofArray(read));
      assertArrayEquals(new byte[] {0, 0, 0, 0, 0, 0, 0, 1, 2, 3}, read);
      assertThrows(
          IndexOutOfBoundsException.class,
          () -> device.copyIn(memory, 8, MemorySegment.ofArray(some)));
    }
  }

  @Test
  void aModelThatDoesNotFitIsOneLine() {
    try (OpenClDevice device = open()) {
      long bytes = device.limits().memoryBytes() + 1;
      Failure failure = assertThrows(Failure.class, () -> device.allocate(Arena.OPTIMIZER, bytes));
      assertEquals(ExitCode.BACKEND, failure.exitCode());
      assertTrue(failure.getMessage().contains("the optimizer need " + bytes), failure.toString());
      assertFalse(failure.getMessage().contains("\n"));
    }
  }

  @Test
  void memoryThatIsClosedCanBeHadAgain() {
    try (OpenClDevice device = open()) {
      long most = Math.min(device.limits().memoryBytes() / 3 * 2, 1 << 20);
      for (int i = 0; i < 4; i++) {
        device.allocate(Arena.OPTIMIZER, most).close();
      }
    }
  }

  @Test
  void aBuildThatIsRefusedNamesFileAndError() {
    try (OpenClDevice device = open()) {
      Source source = new Source("attention", List.of("prelude", "heads"), "-DHEAD_SIZE=none");
      Failure failure =
          assertThrows(
              Failure.class, () -> device.compiler().kernel(source, "attention_forward_v1"));
      assertEquals(ExitCode.BACKEND, failure.exitCode());
      assertTrue(failure.getMessage().contains("attention.cl"), failure.toString());
      assertTrue(failure.getMessage().contains("error"), failure.toString());
      assertFalse(failure.getMessage().contains("\n"));
    }
  }

  @Test
  void choosesVersionsByName() {
    try (Device device = open()) {
      device.chooseKernels(Map.of("gelu_forward", 1));
      assertEquals(1, device.kernelVersions().get("gelu_forward"));
      Failure version =
          assertThrows(
              Failure.class,
              () -> device.chooseKernels(Map.of("gelu_backward", 1, "gelu_forward", 9)));
      assertEquals(ExitCode.USAGE, version.exitCode());
      assertTrue(version.getMessage().contains("v1 to v2"), version.toString());
      assertEquals(2, device.kernelVersions().get("gelu_backward"), "all or nothing");
      Failure name =
          assertThrows(Failure.class, () -> device.chooseKernels(Map.of("gelu_sideways", 1)));
      assertTrue(name.getMessage().contains("gelu_forward"), name.toString());
    }
  }

  @Test
  void aSmallDeviceGetsVersionsThatFit() {
    DeviceLimits tiny =
        new DeviceLimits("tiny", "", "", "", false, 1, 0, 64, 8192, 1 << 20, 1 << 20, false);
    KernelVersions versions = versions(tiny);
    assertEquals(1, versions.of("matmul_forward"));
    Failure failure =
        assertThrows(Failure.class, () -> versions.choose(Map.of("matmul_forward", 2)));
    assertTrue(failure.getMessage().contains("work-groups of 256"), failure.toString());
    DeviceLimits gpu =
        new DeviceLimits("gpu", "", "", "", false, 1, 0, 256, 16384, 1 << 20, 1 << 20, false);
    assertEquals(4, versions(gpu).of("matmul_forward"));
    DeviceLimits cpu =
        new DeviceLimits("cpu", "", "", "", true, 1, 0, 4096, 1 << 20, 1 << 20, 1 << 20, true);
    assertEquals(3, versions(cpu).of("matmul_forward"));
  }

  private static KernelVersions versions(DeviceLimits limits) {
    return new KernelVersions(limits.machine(), Language.OPENCL);
  }

  @Test
  void timesEveryOp() {
    try (OpenClDevice device = open();
        TrainingStep step = new TrainingStep(device, 2, 8, 1, 1, 64, 30, 32)) {
      step.program().keepTimings();
      step.program().run();
      step.program().run();
      assertEquals(2, step.program().timings().runs());
      for (long nanos : step.program().timings().nanos()) {
        assertTrue(nanos > 0);
      }
      step.program().resetTimings();
      assertEquals(0, step.program().timings().totalNanos());
    }
  }
}
