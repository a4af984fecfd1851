package dev.anneal.opencl;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * {@link KernelCheck} on other implementations of OpenCL, each in a process of its own, which finds
 * it through OCL_ICD_VENDORS; all at once, since each compiles for most of its time.
 */
@ResourceLock("OpenCL")
class SafetyNetTest {
  private static final Path SIMULATOR = Path.of("/usr/lib/oclgrind/liboclgrind-rt-icd.so");
  private static final Path VENDORS = Path.of("/etc/OpenCL/vendors");

  /** What oclgrind reports: its exit code says nothing. */
  private static final Pattern FINDING =
      Pattern.compile("(?i)race|invalid|uninit|divergence|fatal|error");

  /** Another implementation, or another way of one. */
  private enum Implementation {
    /** Watches every access of every kernel, and every call of the API. */
    OCLGRIND(SIMULATOR, "Oclgrind", OpenClVersions.ALL, 65),
    /** PoCL with other loops over the work-items between two barriers. */
    POCL_LOOPS(VENDORS.resolve("pocl.icd"), "pthread", OpenClVersions.GROUPS, 13),
    POCL_CBS(VENDORS.resolve("pocl.icd"), "pthread", OpenClVersions.GROUPS, 13),
    /** Shares no code with PoCL. */
    RUSTICL(VENDORS.resolve("rusticl.icd"), "llvmpipe", OpenClVersions.MEANT, 40);

    private final Path needs;
    private final String device;
    private final OpenClVersions versions;
    private final int runs;

    Implementation(Path needs, String device, OpenClVersions versions, int runs) {
      this.needs = needs;
      this.device = device;
      this.versions = versions;
      this.runs = runs;
    }

    private boolean installed() {
      return Files.exists(needs);
    }

    private Map<String, String> environment(Path directory) {
      return switch (this) {
        case OCLGRIND ->
            Map.of(
                "OCL_ICD_VENDORS",
                directory.toString(),
                "OCLGRIND_DATA_RACES",
                "1",
                "OCLGRIND_CHECK_API",
                "1",
                "OCLGRIND_MAX_ERRORS",
                "20",
                "OCLGRIND_LOG",
                directory.resolve("log").toString());
        case POCL_LOOPS, POCL_CBS ->
            Map.of(
                "OCL_ICD_VENDORS",
                "pocl.icd",
                "POCL_WORK_GROUP_METHOD",
                this == POCL_LOOPS ? "loops" : "cbs",
                "POCL_CACHE_DIR",
                directory.toString());
        case RUSTICL ->
            Map.of(
                "OCL_ICD_VENDORS",
                "rusticl.icd",
                "RUSTICL_ENABLE",
                "llvmpipe",
                // LLVM's optimisation, which PoCL has too, is most of its time.
                "GALLIVM_PERF",
                "nopt");
      };
    }
  }

  @TempDir private static Path temporary;

  /** What PoCL says to a method that it does not have. */
  private static final String NOT_KNOWN = "Unknown work group generation method";

  private static final List<Process> PROCESSES = new ArrayList<>();
  private static final Map<Implementation, CompletableFuture<String>> OUTPUTS =
      new EnumMap<>(Implementation.class);

  @BeforeAll
  static void start() throws IOException {
    for (Implementation implementation : Implementation.values()) {
      if (implementation.installed()) {
        OUTPUTS.put(implementation, start(implementation));
      }
    }
  }

  @AfterAll
  static void end() {
    PROCESSES.forEach(Process::destroyForcibly);
  }

  private static Path directory(Implementation implementation) {
    return temporary.resolve(implementation.name());
  }

  private static CompletableFuture<String> start(Implementation implementation) throws IOException {
    Path directory = Files.createDirectories(directory(implementation));
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + "/bin/java");
    command.add("@../jvm.options");
    if (implementation == Implementation.OCLGRIND) {
      Files.writeString(directory.resolve("oclgrind.icd"), SIMULATOR + "\n");
    }
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("java.class.path"),
            KernelCheck.class.getName(),
            implementation.versions.name()));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(implementation.environment(directory));
    if (implementation != Implementation.RUSTICL) {
      // Optimised code has instructions that the simulator does not know; PoCL's loops need none.
      builder.environment().put("ANNEAL_OPENCL_OPTIONS", "-cl-opt-disable");
    }
    builder.environment().put("XDG_CACHE_HOME", directory.resolve("cache").toString());
    Process process = builder.start();
    PROCESSES.add(process);
    CompletableFuture<String> output = new CompletableFuture<>();
    Thread.ofPlatform().daemon().start(() -> output.complete(follow(process)));
    return output;
  }

  /** What a process says until it ends, or until its PoCL says that it does something else. */
  private static String follow(Process process) {
    StringBuilder output = new StringBuilder();
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        output.append(line).append('\n');
        if (line.startsWith(NOT_KNOWN)) {
          process.destroyForcibly();
          break;
        }
      }
      return output.append("exit ").append(process.waitFor()).toString();
    } catch (IOException | InterruptedException e) {
      return output.append(e).toString();
    }
  }

  @ParameterizedTest
  @EnumSource
  void agrees(Implementation implementation) {
    assumeTrue(implementation.installed(), () -> implementation.needs + " is not installed");
    String output = OUTPUTS.get(implementation).join();
    assumeFalse(output.contains(NOT_KNOWN), "this PoCL does not have this work-group method");
    assertTrue(output.endsWith("exit 0"), output);
    assertTrue(
        output.lines().anyMatch(l -> l.startsWith("device ") && l.contains(implementation.device)),
        output);
    assertFalse(output.lines().anyMatch(line -> line.startsWith("wrong ")), output);
    assertTrue(
        output
            .lines()
            .filter(line -> line.startsWith("checked "))
            .anyMatch(line -> Integer.parseInt(line.substring(8)) >= implementation.runs),
        output);
  }

  @Test
  void oclgrindReportsNothing() throws IOException {
    assumeTrue(Implementation.OCLGRIND.installed(), "oclgrind is not installed");
    OUTPUTS.get(Implementation.OCLGRIND).join();
    Path log = directory(Implementation.OCLGRIND).resolve("log");
    String findings = Files.exists(log) ? Files.readString(log) : "";
    assertFalse(FINDING.matcher(findings).find(), findings);
  }
}
