package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.LibrarySearch;
import dev.anneal.terminal.AnnealProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** What is broken is named with its path and the loader's own words, and never taken for absent. */
@Execution(ExecutionMode.CONCURRENT)
class BackendReasonsTest {
  private static final String NO_LOADER = "no OpenCL loader on this machine";

  @TempDir private Path folder;
  private byte[] library;

  @BeforeEach
  void readALibrary() throws IOException {
    library = Files.readAllBytes(Path.of(LibraryLocator.loaded("libc.so.6").orElseThrow()));
  }

  private byte[] cut() {
    return Arrays.copyOf(library, 5000);
  }

  private byte[] ofAnotherProcessor() {
    byte[] other = library.clone();
    other[18] = other[18] == (byte) 183 ? (byte) 62 : (byte) 183; // x86-64 is 62, AArch64 is 183.
    return other;
  }

  private String backends(Map<String, String> environment) throws IOException {
    try {
      AnnealProcess.Result result =
          AnnealProcess.shell(folder, environment, "", "anneal backends -v");
      assertEquals(0, result.code(), result.out() + result.err());
      return result.out();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static boolean hasOpenCl() {
    return LibrarySearch.refusal("libOpenCL.so.1").isEmpty();
  }

  private static void assertLine(String out, String... parts) {
    assertTrue(
        out.lines().anyMatch(line -> Arrays.stream(parts).allMatch(line::contains)),
        String.join(" … ", parts) + " is not in\n" + out);
  }

  @Test
  void aBrokenLibraryIsNamedWithItsPathAndNeverEndsTheProcess() throws IOException {
    Path driver = Files.write(folder.resolve("libcuda.so.1"), cut());
    Path compiler = folder.resolve("libnvrtc.so.12");
    Files.writeString(compiler, "version https://git-lfs.github.com/spec/v1\n".repeat(10));
    Path products = Files.write(folder.resolve("libcublasLt.so.12"), ofAnotherProcessor());
    Path attention = Files.write(folder.resolve("libcudnn.so.9"), new byte[0]);
    Path runtime = Files.write(folder.resolve("libamdhip64.so.5"), cut());
    String out = backends(Map.of("LD_LIBRARY_PATH", folder.toString()));
    assertLine(out, "cuda ", "missing", driver + " does not load", "5000 bytes of");
    assertFalse(out.contains("not in the loader's path"), out);
    assertLine(out, "libcuda ", driver + " does not load", "is cut");
    assertLine(out, "libnvrtc ", compiler + " does not load", "invalid ELF header");
    assertLine(out, "libcublasLt ", products + " does not load");
    assertLine(out, "libcudnn ", attention + " does not load", "file too short");
    boolean other = out.contains("libamdhip64   5") || out.contains("libamdhip64   6");
    assertTrue(other || out.contains(runtime + " does not load"), out);
  }

  @Test
  void aCacheThatCannotBeWrittenIsNotAMissingPocl() throws IOException {
    assumeTrue(hasOpenCl(), NO_LOADER);
    assumeTrue(backends(Map.of()).contains("platform Portable Computing Language"), "no PoCL");
    Path file = Files.createFile(folder.resolve("file"));
    String cache = file.resolve("cache").toString();
    String out = backends(Map.of("POCL_CACHE_DIR", cache));
    assertLine(out, "opencl ", "PoCL cannot write its cache " + cache, "POCL_CACHE_DIR");
    assertFalse(out.contains("install"), out);
  }

  @Test
  void aDriverThatIsNotThereIsNamedWithTheFileThatNamesIt() throws IOException {
    assumeTrue(hasOpenCl(), NO_LOADER);
    Path vendors = Files.createDirectory(folder.resolve("vendors"));
    Path icd = Files.writeString(vendors.resolve("gone.icd"), "/nowhere/libgone.so\n");
    String out =
        backends(
            Map.of("OCL_ICD_VENDORS", vendors + "/", "OPENCL_VENDOR_PATH", vendors.toString()));
    assertLine(out, "opencl ", icd + " names /nowhere/libgone.so, which does not load");
    Path broken = Files.write(folder.resolve("libbroken.so"), cut());
    Files.writeString(icd, broken + "\n");
    String again =
        backends(
            Map.of("OCL_ICD_VENDORS", vendors + "/", "OPENCL_VENDOR_PATH", vendors.toString()));
    assertLine(again, "opencl ", icd.toString(), broken.toString(), "is cut");
  }

  @Test
  void aDeviceThatIsNotThereIsRefusedWithWhatThereIs() {
    Outcome.of("compare", "cpu", "cpu:7").refused(2, "7", "cpu has devices 0 to 0");
    Outcome.of("compare", "cpu", "metal").refused(2, "metal", "cpu, cuda, hip, opencl");
    Outcome.of("compare", "cpu", "cpu:x").refused(2, "cpu:x", "NAME:N");
    Outcome.of("compare", "cpu", "cpu:-1").refused(2, "-1");
  }
}
