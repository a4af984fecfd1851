package dev.anneal.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Java's own prompt, with Anneal on its path. */
class JShellTest {
  @TempDir private Path temp;

  /** The names are imported, and the JVM that runs the snippets has what the CPU device needs. */
  @Test
  void snippetsFromAPipeTrain() throws Exception {
    Path text = Files.writeString(temp.resolve("text"), "the cat sat on the mat. ".repeat(40));
    String snippets =
        """
        var t = Training.of("%s").withSizes(1, 2, 16, 16).withBatch(2, 16).withSteps(2)
        try (var run = Anneal.begin(t, "cpu")) { run.train(s -> System.out.println(s.step())); }
        """
            .formatted(text);
    AnnealProcess.Result result =
        AnnealProcess.shell(
            temp,
            Map.of("JAVA_TOOL_OPTIONS", "-Djava.util.prefs.userRoot=" + temp),
            snippets,
            "anneal jshell");
    assertEquals("1\n2\n", result.out(), result.err());
    assertEquals(0, result.code(), result.err());
  }
}
