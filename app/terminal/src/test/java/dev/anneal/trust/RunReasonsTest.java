package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.RunLock;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Why a run's directory cannot be used, in words. */
class RunReasonsTest {
  @TempDir private Path temp;
  private Cli cli;

  @BeforeEach
  void open() {
    cli = new Cli(temp);
  }

  private void assertFails(String line, String reason) {
    Cli.Result result = cli.run(line);
    assertEquals(1, result.code(), line + result.all());
    assertEquals(1, result.err().lines().count(), result.err());
    assertTrue(result.err().contains(reason), line + "\n" + result.err());
  }

  @Test
  void theSystemsReasonIsTold() {
    for (IOException e :
        List.of(
            new AccessDeniedException("x"),
            new FileSystemException("x", null, "Read-only file system"),
            new FileSystemException("x", null, "Not a directory"),
            new NoSuchFileException("x"),
            new IOException("No space left on device"))) {
      String message = FileFailures.cannotWrite(Path.of("run/step_1"), e).getMessage();
      String reason = message.substring("cannot write run/step_1: ".length());
      assertTrue(reason.contains(" "), "words, not a path alone: " + message);
    }
  }

  @Test
  void aPlaceWithinAFileIsNoDirectory() {
    cli.ok(cli.train("run", "--steps 1"));
    assertFails(cli.train("text.txt/run", "--steps 1"), "cannot be made: Not a directory");
    assertFails(cli.train("text.txt", "--steps 1"), "is a file");
    assertFails("runs mv " + cli.path("run") + " " + cli.path("text.txt/x"), "Not a directory");
    assertFails("train --resume " + cli.path("text.txt"), "is no directory");
    assertFails("sample --checkpoint " + cli.path("nothing") + " a", "does not exist");
  }

  @Test
  void whatMayNotBeReadIsNotMissing() throws IOException {
    cli.ok(cli.train("closed/run", "--steps 1"));
    Files.setPosixFilePermissions(cli.path("closed"), PosixFilePermissions.fromString("---------"));
    try {
      assumeTrue(!Files.isReadable(cli.path("closed")), "root may read all");
      for (String line :
          List.of("train --resume %s", "sample --checkpoint %s a", "status %s", "runs mv %s x")) {
        assertFails(line.formatted(cli.path("closed/run")), "permission denied");
      }
      assertFails(cli.train("closed/other", "--steps 1"), "permission denied");
    } finally {
      Files.setPosixFilePermissions(
          cli.path("closed"), PosixFilePermissions.fromString("rwx------"));
    }
  }

  /** It can be looked at, and what is refused leaves it loaded. */
  @Test
  void aRunThatAnotherTrainsIsCalledThat() throws IOException {
    cli.ok(cli.train("run", "--steps 4 --until 'step>=2'"));
    try (RunLock held = RunLock.acquire(cli.path("run"))) {
      String load = "load " + cli.path("run");
      Cli.Result result = cli.run("--keep-going -c '" + load + "; step; save; resume; status'");
      List<String> errors = result.err().lines().toList();
      assertEquals(3, errors.size(), result.all());
      errors.forEach(error -> assertTrue(error.contains("is in use by this process"), error));
      assertTrue(result.out().contains("run  paused  step 2/4"), result.out());
    }
  }
}
