package dev.anneal.style;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** What .ci/skips says of reports as Surefire writes them, and when it fails. */
@Execution(ExecutionMode.CONCURRENT)
class SkipsTest {
  private static final Path CI = Path.of("../..").toAbsolutePath().normalize().resolve(".ci");

  @TempDir private Path temp;

  /** An exit code, and what was written. */
  private record Ending(int code, String said) {}

  @BeforeEach
  void makeACheckout() throws IOException {
    assumeTrue(new File("/bin/bash").canExecute(), "no bash");
    Files.createDirectories(temp.resolve(".ci"));
    for (String name : List.of("skips", "allowed-skips")) {
      Files.copy(CI.resolve(name), temp.resolve(".ci").resolve(name));
    }
  }

  private Ending skips() throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder("/bin/bash", temp.resolve(".ci/skips").toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Ending(process.waitFor(), said);
  }

  private void report(String type, String reason) throws IOException {
    Path folder = Files.createDirectories(temp.resolve("app/terminal/target/surefire-reports"));
    Files.writeString(
        folder.resolve("TEST-" + type + ".xml"),
        """
        <testsuite name="%1$s" tests="2" errors="0" skipped="1" failures="0">
          <testcase name="passes" classname="%1$s" time="0.1"/>
          <testcase name="agrees(&quot;a&quot;)[3]" classname="%1$s" time="0.0">
            <skipped type="org.opentest4j.TestAbortedException"><![CDATA[%2$s
        \tat org.junit.jupiter.api.Assumptions.throwAssumptionFailed(Assumptions.java:321)
        ]]></skipped>
          </testcase>
        </testsuite>
        """
            .formatted(type, reason));
  }

  private static String assumption(String reason) {
    return "org.opentest4j.TestAbortedException: Assumption failed: " + reason;
  }

  @Test
  void aSkipThatIsAllowedIsSaidWithTheReasonWhy() throws Exception {
    report("dev.anneal.trust.RunReasonsTest", assumption("root may read all"));
    Ending ending = skips();
    assertEquals(0, ending.code(), ending.said());
    assertTrue(ending.said().contains("root may read all (as root"), ending.said());
    assertTrue(ending.said().contains("1 tests skipped, 0 of them not allowed"), ending.said());
  }

  @Test
  void anyOtherSkipFailsAndIsNamed() throws Exception {
    report("dev.anneal.trust.RunReasonsTest", assumption("root may read all"));
    report("dev.anneal.opencl.SafetyNetTest", assumption("oclgrind is not installed"));
    Ending ending = skips();
    assertEquals(1, ending.code(), ending.said());
    assertTrue(
        ending
            .said()
            .contains(
                "SKIPPED, and not allowed: dev.anneal.opencl.SafetyNetTest agrees(\"a\")[3]:"
                    + " oclgrind is not installed\n"),
        ending.said());
    assertTrue(ending.said().contains("2 tests skipped, 1 of them not allowed"), ending.said());
  }

  @Test
  void theReasonOfOneClassIsNoneOfAnother() throws Exception {
    report("dev.anneal.trust.OtherTest", assumption("root may read all"));
    assertEquals(1, skips().code());
  }

  @Test
  void noReportsAreNoSuccess() throws Exception {
    Ending ending = skips();
    assertEquals(1, ending.code());
    assertTrue(ending.said().contains("run mvn verify first"), ending.said());
  }
}
