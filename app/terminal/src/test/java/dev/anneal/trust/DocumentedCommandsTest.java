package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.terminal.command.Commands;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.text.Look;
import dev.anneal.terminal.text.Words;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/**
 * Every command line that README, docs and help show is one that the program takes. They are parsed
 * and not run: some train for minutes, and many name files of the reader's.
 */
class DocumentedCommandsTest {
  private static final Path ROOT = Path.of("../..");

  /** Options of the program, before any command. */
  private static final List<String> BEFORE = List.of("--json", "--debug", "--keep-going");

  private final Shell shell =
      new Shell(
          Commands::addTo,
          Shell.Use.SCRIPT,
          new PrintWriter(new StringWriter()),
          new PrintWriter(new StringWriter()),
          Look.PLAIN,
          false,
          false);

  @AfterEach
  void close() {
    shell.close();
  }

  private CommandLine line() {
    CommandLine line = new CommandLine(CommandLine.Model.CommandSpec.create());
    Commands.addTo(line, shell);
    return line.setCaseInsensitiveEnumValuesAllowed(true);
  }

  /** What is wrong with a line, by the line. */
  private void parse(String text, Map<String, String> wrong) {
    for (List<String> command : Words.complete(text)) {
      List<String> words = new ArrayList<>(command);
      if (List.of("anneal", "./anneal").contains(words.getFirst())) {
        words.removeFirst();
      }
      while (!words.isEmpty() && BEFORE.contains(words.getFirst())) {
        words.removeFirst();
      }
      if (words.isEmpty() || words.getFirst().equals("-") || words.getFirst().equals("-f")) {
        continue;
      }
      if (words.getFirst().equals("-c")) {
        parse(words.get(1), wrong);
        continue;
      }
      try {
        line().parseArgs(words.toArray(String[]::new));
      } catch (CommandLine.ParameterException e) {
        wrong.put(text, String.valueOf(e.getMessage()).lines().findFirst().orElse(""));
      }
    }
  }

  private static List<Path> documents() throws IOException {
    try (Stream<Path> docs = Files.list(ROOT.resolve("docs"))) {
      return Stream.concat(
              Stream.of(ROOT.resolve("README.md")),
              docs.filter(path -> path.toString().endsWith(".md")).sorted())
          .toList();
    }
  }

  @Test
  void thoseOfReadmeAndDocs() throws IOException {
    Map<String, String> wrong = new TreeMap<>();
    int seen = 0;
    for (Path document : documents()) {
      Matcher fences =
          Pattern.compile("^```\\w*\n(.*?)^```", Pattern.MULTILINE | Pattern.DOTALL)
              .matcher(Files.readString(document));
      while (fences.find()) {
        for (String text : fences.group(1).replace("\\\n", " ").lines().toList()) {
          // What stands after several blanks explains; pipes and redirections are the shell's.
          for (String call : text.strip().split("\\s{2,}")) {
            if (call.startsWith("./anneal ") || call.startsWith("anneal ")) {
              seen++;
              parse(call.replaceFirst("\\s+(>|2>|\\|).*", ""), wrong);
            }
          }
        }
      }
    }
    assertTrue(seen > 15, "" + seen);
    assertEquals(Map.of(), wrong);
  }

  /** Words in backquotes that begin with a command's name: they are what a reader would type. */
  @Test
  void thoseWithinSentences() throws IOException {
    Map<String, String> wrong = new TreeMap<>();
    int seen = 0;
    for (String name : List.of("README.md", "docs/terminal.md", "docs/runs.md", "docs/json.md")) {
      String text = Files.readString(ROOT.resolve(name)).replaceAll("(?ms)^```.*?^```", "");
      Matcher quoted = Pattern.compile("`([^`]+)`").matcher(text);
      while (quoted.find()) {
        String command = quoted.group(1).replace("\n", " ").replaceFirst("^(\\./)?anneal ", "");
        String first = command.split("[ ;]")[0];
        // An option that is named without its value is no line to type.
        boolean whole = !command.matches(".* --(save|out|resume|load|checkpoint|data)");
        boolean typed =
            whole && command.contains(" ") && line().getSubcommands().containsKey(first);
        // Words in capitals stand for what a reader puts there.
        if (typed && !command.matches(".*\\b[A-Z]{2,}\\b.*")) {
          seen++;
          parse(command.replaceFirst("\\s+(>|2>|\\|) .*", ""), wrong);
        }
      }
    }
    assertTrue(seen > 20, "" + seen);
    assertEquals(Map.of(), wrong);
  }

  @Test
  void theExamplesOfEveryHelp() {
    Map<String, String> wrong = new TreeMap<>();
    line()
        .getSubcommands()
        .forEach(
            (name, command) -> {
              boolean has = false;
              for (String footer : command.getCommandSpec().usageMessage().footer()) {
                if (footer.startsWith("  ")) {
                  has = true;
                  parse(footer.strip().replaceFirst("\\s+(>|2>|\\|) .*", ""), wrong);
                }
              }
              assertTrue(has, name + " shows no example");
            });
    assertEquals(Map.of(), wrong);
  }
}
