package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A ratio stands as a fact only where repeats bear it out. */
class ComparisonTest {
  @TempDir private Path folder;

  /** A saved result of two devices with these times and quartiles of a step. */
  private String shown(double[] first, double[] second) throws IOException {
    String text =
        """
        {"event":"comparison","model":"m","batch":1,"sequence":2,"after":0,"steps":10,
         "devices":[%s,%s]}
        """
            .formatted(device("cpu", first), device("opencl", second));
    Path file = Files.writeString(folder.resolve("saved.json"), text);
    return Outcome.ok("compare", "--load", file.toString()).out();
  }

  private static String device(String name, double[] ms) {
    return String.format(
        Locale.ROOT,
        """
        {"backend":"%s","device":"d","details":"x","memory_bytes":1,"step_ms":%f,
         "step_ms_quartiles":[%f,%f],"tokens_per_s":1,"kinds_ms":{"Add":%f},
         "kinds_ms_quartiles":{"Add":[%f,%f]},"losses":[1.0]}
        """,
        name,
        ms[1],
        ms[0],
        ms[2],
        ms[1],
        ms[0],
        ms[2]);
  }

  private static String row(String table, String name) {
    return table.lines().filter(line -> line.startsWith(name)).findFirst().orElse("");
  }

  @Test
  void aClearDifferenceHasNoMark() throws IOException {
    String table = shown(new double[] {9.8, 10, 10.2}, new double[] {1.15, 1.2, 1.25});
    assertTrue(row(table, "times the first").endsWith(" 0.12"), table);
    assertFalse(table.contains("~"), table);
    assertTrue(row(table, "  middle half").contains("1.150..1.250"), table);
  }

  @Test
  void aRatioThatMayBeOneIsMarked() throws IOException {
    String table = shown(new double[] {9.5, 10, 10.5}, new double[] {9.4, 10.2, 10.6});
    assertTrue(row(table, "times the first").endsWith(" 1.02~"), table);
    assertFalse(row(table, "step").contains("~"), table);
    assertTrue(table.contains("~ is noise"), table);
  }

  @Test
  void timesThatScatterAreMarkedPerOpAndPerStep() throws IOException {
    String table = shown(new double[] {9.9, 10, 10.1}, new double[] {15, 20, 30});
    assertTrue(row(table, "Add").endsWith("20.0~"), table);
    assertTrue(row(table, "Add").contains("10.0 "), table);
    assertTrue(row(table, "step").endsWith("20.0~"), table);
    assertTrue(row(table, "times the first").endsWith(" 2.00~"), table);
  }

  @Test
  void theWarmUpIsTheUsersAndChecked() {
    Outcome.of("compare", "cpu", "cpu", "--warmup", "-1").refused(2, "--warmup is -1");
    Outcome.of("compare", "cpu", "cpu", "--warmup", "NaN").refused(2, "--warmup is NaN");
    String[] words = {
      "compare",
      "cpu",
      "cpu",
      "--warmup",
      "0",
      "--steps",
      "1",
      "--layers",
      "1",
      "--heads",
      "2",
      "--channels",
      "16",
      "--context",
      "16",
      "--seq",
      "16",
      "--batch",
      "1",
      "--threads",
      "1",
      "--data",
      Outcome.text(folder).toString(),
      "--json"
    };
    assertEquals(2, Outcome.ok(words).json().getLast().path("devices").size());
  }
}
