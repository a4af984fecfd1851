package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.anneal.terminal.AnnealProcess;
import dev.anneal.terminal.Launcher;
import dev.anneal.terminal.shell.TinyShell;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Wherever it is installed, whatever the locale, the terminal and its width: the prompt opens,
 * trains and samples. Of all 192 combinations these are eight, in which each folder, locale and
 * terminal meets two of each other kind; {@code -Danneal.matrix=true} makes all.
 */
@Execution(ExecutionMode.CONCURRENT)
class StartMatrixTest {
  private static final List<String> FOLDERS =
      List.of("a b", "it's \"so\"", "two\nlines", "\u00e9\u4e16");
  private static final List<String> LOCALES = List.of("C", "POSIX", "C.UTF-8", "");
  private static final List<String> TERMS = List.of("xterm", "dumb", "xterm-nobody-knows", "");
  private static final List<Integer> WIDTHS = List.of(30, 80, 200);

  @TempDir private Path temp;

  record Place(String folder, String locale, String term, int columns) {}

  static Stream<Place> places() {
    if (Boolean.getBoolean("anneal.matrix")) {
      return FOLDERS.stream()
          .flatMap(
              f ->
                  LOCALES.stream()
                      .flatMap(
                          l ->
                              TERMS.stream()
                                  .flatMap(t -> WIDTHS.stream().map(w -> new Place(f, l, t, w)))));
    }
    return IntStream.range(0, 8)
        .mapToObj(
            i ->
                new Place(
                    FOLDERS.get(i % 4),
                    LOCALES.get((i + i / 4) % 4),
                    TERMS.get((i + 2 * (i / 4)) % 4),
                    WIDTHS.get(i % 3)));
  }

  @ParameterizedTest
  @MethodSource("places")
  void opensTrainsAndSamples(Place place) throws Exception {
    assumeTrue(new File("/usr/bin/script").canExecute(), "script is not installed: no terminal");
    Launcher launcher = Launcher.install(temp.resolve(place.folder()));
    Path folder = Files.createDirectory(temp.resolve(place.folder()).resolve("work"));
    Files.writeString(
        folder.resolve("begin"),
        TinyShell.train(folder, "run", "--fg --steps 5")
            + "\nsample --tokens 2 --prompt \u00e9\nstatus\n");
    AnnealProcess.Result result =
        launcher.bash(
            folder,
            Map.of("LC_ALL", place.locale(), "LANG", "", "LC_CTYPE", ""),
            "PATH=$PWD:$PATH; printf 'source begin\\nquit\\n' | script -qec 'stty cols "
                + place.columns()
                + " rows 24; "
                + (place.term().isEmpty() ? "env -u TERM" : "TERM=" + place.term())
                + " anneal' seen > /dev/null");
    String seen =
        Files.readString(folder.resolve("seen"), java.nio.charset.StandardCharsets.ISO_8859_1);
    assertEquals(0, result.code(), place + "\n" + seen + result.err());
    assertTrue(Files.isDirectory(folder.resolve("run/step_5")), place + "\n" + seen);
    // Short enough for any width.
    assertTrue(seen.contains("step 5"), place + "\n" + seen);
    for (String strange : List.of("Exception", "WARNING", "\tat ", "anneal: ", "begin:")) {
      assertFalse(seen.contains(strange), place + "\n" + seen);
    }
  }
}
