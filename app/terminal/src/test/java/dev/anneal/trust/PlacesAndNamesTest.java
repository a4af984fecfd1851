package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.anneal.terminal.Anneal;
import dev.anneal.terminal.AnnealProcess;
import dev.anneal.terminal.Launcher;
import dev.anneal.terminal.shell.TinyShell;
import java.io.File;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Any folder, any file's name, any locale: it works, or one line says why not. */
class PlacesAndNamesTest {
  private static final String BEYOND_ASCII = "t\u00e9\u4e16";

  @TempDir private Path temp;

  @ParameterizedTest
  @CsvSource({
    "C, a folder's \"name\"",
    "POSIX, 'line\nbreak\n'",
    "'', b\u00e9yond",
    "en_XX.UTF-8, 'a;$(b)*&|'",
    "de_XX, ' -x'"
  })
  void startsInAnyFolderAndAnyLocale(String locale, String folder) throws Exception {
    assumeTrue(new File("/bin/bash").canExecute(), "no bash");
    Launcher launcher = Launcher.install(Files.createDirectory(temp.resolve(folder)).resolve("x"));
    String script =
        TinyShell.train(temp, "run-" + BEYOND_ASCII, "--steps 1")
                .replace("text.txt", BEYOND_ASCII + ".txt")
            + "; sample --tokens 1 --prompt "
            + BEYOND_ASCII
            + "; status";
    Files.move(temp.resolve("text.txt"), temp.resolve(BEYOND_ASCII + ".txt"));
    AnnealProcess.Result result =
        launcher.bash(
            temp,
            Map.of("LC_ALL", locale, "LANG", "", "LC_CTYPE", "", "HOME", temp + "/" + folder),
            "anneal -c " + AnnealProcess.quote(script));
    assertEquals(0, result.code(), result.err());
    assertTrue(Files.isDirectory(temp.resolve("run-" + BEYOND_ASCII)), "the name that was typed");
    String shown = locale.endsWith("UTF-8") ? BEYOND_ASCII : "t\\u00e9\\u4e16";
    assertTrue(result.out().startsWith(shown), result.out());
    assertTrue(result.out().contains("run-" + shown), result.out());
    assertFalse(result.err().contains("?"), result.err());
  }

  @Test
  void whatIsNotUtf8IsRefused() throws Exception {
    assumeTrue(new File("/bin/bash").canExecute(), "no bash");
    AnnealProcess.Result result =
        AnnealProcess.shell(
            temp,
            Map.of(),
            "",
            "anneal sample --checkpoint $'r\\xff'; echo \"code $?\";"
                + " printf 'help step\\nsample caf\\xe9\\n' | anneal; echo \"code $?\"");
    assertEquals("code 2\ncode 1\n", result.out(), result.err());
    List<String> errors = result.err().lines().toList();
    assertEquals(2, errors.size(), result.err());
    assertTrue(errors.getFirst().contains("'r\ufffd' is not in UTF-8"), result.err());
    assertEquals("anneal: cannot read stdin: it is not UTF-8 text", errors.getLast());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "train --data #",
        "train --out #",
        "train --resume #",
        "sample --checkpoint #",
        "verify --checkpoint # --state #",
        "import # --out x",
        "export # x.bin",
        "status #",
        "plot # #",
        "runs #",
        "load #",
        "replay #",
        "record #",
        "dashboard #",
        "source #",
        "compare cpu cpu --save #",
        "compare --load #",
        "-f #"
      })
  void aNameThatNoFileCanHaveIsAUsageError(String line) {
    List<String> words = new ArrayList<>();
    for (String word : line.split(" ")) {
      words.add(word.replace("#", "a\0b"));
    }
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code =
        Anneal.run(words.toArray(String[]::new), new PrintWriter(out), new PrintWriter(err, true));
    assertEquals(2, code, line + ": " + err);
    assertEquals(1, err.toString().lines().count(), line + ": " + err);
    assertFalse(err.toString().contains("fault of ours"), line + ": " + err);
  }
}
