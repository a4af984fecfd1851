package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.anneal.terminal.AnnealProcess;
import dev.anneal.terminal.Launcher;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * The first start builds, once, and nobody waits for a builder who is gone. The JDK and Maven here
 * are scripts that say what they were asked.
 */
@Execution(ExecutionMode.CONCURRENT)
class LauncherTest {
  @TempDir private Path temp;
  private Path checkout;
  private Launcher launcher;

  @BeforeEach
  void makeACheckout() throws IOException {
    assumeTrue(new File("/bin/bash").canExecute(), "no bash");
    checkout = Files.createDirectories(temp.resolve("check out"));
    Files.createDirectories(checkout.resolve("app/engine/src/main"));
    Files.writeString(checkout.resolve("pom.xml"), "<project/>");
    program(checkout.resolve("anneal"), Files.readString(Launcher.source()));
    Files.copy(Launcher.options(), checkout.resolve("jvm.options"));
    program(temp.resolve("jdk/bin/java"), "#!/bin/sh\necho started\n");
    Files.writeString(temp.resolve("jdk/release"), "JAVA_VERSION=\"25.0.1\"\n");
    program(
        temp.resolve("bin/mvn"),
        "#!/bin/sh\n"
            + "echo build >> builds\n"
            + "[ -e slow ] && exec sleep 1000\n"
            + "mkdir -p app/terminal/target\n"
            + "echo half > app/terminal/target/anneal.jar\n"
            + "sleep 0.3\n"
            + "echo \"$JAVA_HOME\" > java.home\n");
    launcher = new Launcher(checkout);
  }

  private static void program(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
    assertTrue(file.toFile().setExecutable(true));
  }

  private AnnealProcess.Result bash(String line) throws Exception {
    return launcher.bash(
        temp, Map.of("JAVA_HOME", temp.resolve("jdk").toString()), "PATH=$PWD/bin:$PATH; " + line);
  }

  private long builds() throws IOException {
    return Files.readAllLines(checkout.resolve("builds")).size();
  }

  @Test
  void tenFirstStartsMakeOneBuild() throws Exception {
    AnnealProcess.Result result =
        bash("for i in 1 2 3 4 5 6 7 8 9 10; do anneal plan & done; wait; anneal plan");
    assertEquals("started\n".repeat(11), result.out(), result.err());
    assertEquals(1, builds());
    assertEquals(
        temp.resolve("jdk").toString(), Files.readString(checkout.resolve("java.home")).strip());
  }

  @Test
  void aBuilderWhoIsKilledIsNotWaitedFor() throws Exception {
    // What earlier versions left: a lock without an owner.
    Files.createDirectory(checkout.resolve(".anneal-build.lock"));
    AnnealProcess.Result result =
        bash(
            "touch 'check out/slow'; setsid anneal plan & until [ -e 'check out/builds' ]; do sleep"
                + " 0.05; done; rm 'check out/slow'; kill -9 -- -$!; anneal plan");
    assertEquals("started\n", result.out(), result.err());
    assertEquals(2, builds());
  }

  /** A run that trains reads classes from the jar that it was started with. */
  @Test
  void aBuildLeavesWhatIsOpenAsItWas() throws Exception {
    AnnealProcess.Result result =
        bash(
            "cd 'check out'; mkdir -p app/terminal/target/lib; echo old >"
                + " app/terminal/target/anneal.jar; echo old >"
                + " app/terminal/target/lib/anneal-backends.jar; touch -d '1 hour ago'"
                + " app/terminal/target/anneal.jar; exec 7< app/terminal/target/anneal.jar 6<"
                + " app/terminal/target/lib/anneal-backends.jar; ./anneal plan; cat <&7; cat <&6;"
                + " ls app/terminal/target/lib");
    assertEquals("started\nold\nold\n", result.out(), result.err());
    assertEquals(1, builds());
  }

  /** The JVM's own, and what the user has. */
  @Test
  void signalsAreKeptApart() throws Exception {
    program(temp.resolve("jdk/bin/java"), "#!/bin/sh\necho \"$LD_PRELOAD\"\n");
    bash("anneal plan");
    Path library = temp.resolve("jdk/lib/libjsig.so");
    Files.createDirectories(library.getParent());
    assertEquals("\n", bash("unset LD_PRELOAD; anneal plan").out());
    Files.createFile(library);
    assumeTrue(!library.toString().contains(" "), "a folder with a blank");
    AnnealProcess.Result result = bash("LD_PRELOAD=libm.so.6 anneal plan 2>preload; cat preload");
    assertTrue(result.out().startsWith(library + ":libm.so.6\n"), result.out());
  }

  /** Who looks for what a driver did has the file named; nobody else is disturbed. */
  @Test
  void whatTheJvmAndDriversSayIsKeptWhereItIsAskedFor() throws Exception {
    program(
        temp.resolve("jdk/bin/java"), "#!/bin/sh\necho driver >&2\necho ours >&3\necho started\n");
    bash("anneal plan");
    AnnealProcess.Result result =
        bash(
            "anneal plan; ANNEAL_JVM_LOG='its log' anneal plan; ANNEAL_JVM_LOG='its log' anneal"
                + " plan");
    assertEquals("started\n".repeat(3), result.out(), result.err());
    assertEquals("ours\n".repeat(3), result.err());
    // Once more each while the start-up archive is tried.
    Set<String> lines = Set.copyOf(Files.readAllLines(temp.resolve("its log")));
    assertEquals(Set.of("driver"), lines);
  }

  /** Where the system has no flock: a link names the owner, its machine and when it was started. */
  @Test
  void aStrangerWithTheSameNumberIsNotWaitedFor() throws Exception {
    AnnealProcess.Result result =
        bash(
            "mkdir few; for tool in sh cat find head ln mkdir mktemp mv ps readlink rm sleep touch"
                + " tr uname; do ln -s \"$(command -v $tool)\" few/$tool; done; ln -s 1@$(uname"
                + " -n)@once 'check out/.anneal-build.link'; PATH=$PWD/bin:$PWD/few; for i in 1 2"
                + " 3; do './check out/anneal' plan & done; wait; readlink 'check"
                + " out/.anneal-build.link'");
    assertEquals("started\n".repeat(3), result.out(), result.err());
    assertEquals(1, builds());
  }

  @Test
  void aCheckoutThatCannotBeWrittenIsSaid() throws Exception {
    boolean root = "root".equals(System.getProperty("user.name"));
    assumeTrue(!root || new File("/usr/bin/setpriv").canExecute(), "root, without setpriv");
    String nobody = root ? "setpriv --reuid=65534 --clear-groups " : "";
    AnnealProcess.Result result =
        bash(
            "chmod 755 . ; chmod -R a+rX . ; chmod a-w 'check out'; "
                + nobody
                + "./anneal plan; echo \"code $?\"; chmod u+w 'check out'; mkdir -p 'check"
                + " out/app/terminal/target'; touch -d '1 hour ago' 'check"
                + " out/app/terminal/target/anneal.jar'; chmod a-w 'check out'; "
                + nobody
                + "./anneal plan; echo \"code $?\"; chmod u+w 'check out'");
    assertEquals("code 3\nstarted\ncode 0\n", result.out(), result.err());
    List<String> errors = result.err().lines().toList();
    assertEquals(2, errors.size(), result.err());
    assertTrue(errors.getFirst().contains("check out cannot be written to; build it"), errors + "");
    assertTrue(errors.getLast().contains("starting what is built"), errors + "");
  }

  @Test
  void aJvmThatRefusesAnOptionSaysWhy() throws Exception {
    Launcher real = Launcher.install(temp.resolve("real"));
    AnnealProcess.Result result =
        real.bash(temp, Map.of("ANNEAL_JAVA_OPTIONS", "-XX:Nonsense"), "anneal plan");
    assertEquals(2, result.code());
    assertEquals(
        "anneal: Java does not start with ANNEAL_JAVA_OPTIONS=-XX:Nonsense:"
            + " Unrecognized VM option 'Nonsense'\n",
        result.err());
  }
}
