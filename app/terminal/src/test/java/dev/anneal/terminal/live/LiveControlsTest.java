package dev.anneal.terminal.live;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.failure.Failure;
import dev.anneal.run.LiveRun;
import dev.anneal.run.log.History;
import dev.anneal.terminal.shell.TinyShell;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a dashboard's keys can do to a run, and what they say when they cannot. */
class LiveControlsTest {
  @TempDir private Path temp;

  @Test
  void aRunThatIsElsewhereCannotBeSteered() {
    try (TinyShell shell = new TinyShell(temp)) {
      LiveControls controls =
          LiveControls.of(shell.shell(), new History(), "run-7", "run-7 is elsewhere");
      List<Runnable> keys =
          List.of(
              controls::togglePause,
              controls::pause,
              controls::step,
              controls::checkpoint,
              () -> controls.sample(""),
              () -> controls.warm(0.1),
              controls::toggleRecord,
              controls::compareBackends);
      for (Runnable key : keys) {
        assertEquals("run-7 is elsewhere", assertThrows(Failure.class, key::run).getMessage());
      }
    }
  }

  @Test
  void whatBecameOfAKeyIsNews() {
    try (TinyShell shell = new TinyShell(temp)) {
      shell.ok(shell.train("run", "--steps 1000000"));
      LiveControls controls = LiveControls.of(shell.shell());
      LiveRun run = shell.shell().live().orElseThrow();
      assertTrue(
          assertThrows(Failure.class, controls::compareBackends)
              .getMessage()
              .contains("SPC pauses this one"));
      controls.togglePause();
      awaitNews(controls, "paused at step .*");
      shell.ok("save");
      controls.checkpoint();
      awaitNews(controls, "this step is saved already");
      controls.toggleRecord();
      awaitNews(controls, "recording to .*; r ends it");
      controls.toggleRecord();
      awaitNews(controls, "the record is in .*");
      controls.warm(-5);
      awaitNews(controls, "samples at temperature 0.0; s draws one");
      // It holds from the next boundary on.
      shell.ok("set temperature 0");
      assertThrows(Failure.class, () -> controls.warm(-1));
      controls.execute("nosuch", lines -> {});
      run.session().stop();
      run.session().await();
      controls.close();
    }
  }

  @Test
  void aRunThatHasMadeAllItsStepsSaysSo() {
    try (TinyShell shell = new TinyShell(temp)) {
      shell.ok(shell.train("run", "--steps 2") + " --fg");
      LiveControls controls = LiveControls.of(shell.shell());
      controls.togglePause();
      awaitNews(controls, "the run has made all its 2 steps.*");
      controls.step();
      awaitNews(controls, "the run has made all its 2 steps.*");
      controls.close();
    }
  }

  /** Waits for a line; those before it are passed over. */
  private static void awaitNews(LiveControls controls, String pattern) {
    while (true) {
      Optional<String> news = controls.news();
      if (news.isPresent() && news.get().matches(pattern)) {
        return;
      }
      Thread.onSpinWait();
    }
  }
}
