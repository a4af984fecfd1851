package dev.anneal.style;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.terminal.command.Commands;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.text.Look;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** Below the terminal, a failure names a setting; how options are written is the terminal's say. */
class SettingNamesTest {
  private static final Pattern LITERAL = Pattern.compile("\"(?:[^\"\\\\\n]|\\\\.)*\"");
  private static final Pattern OPTION = Pattern.compile("(?<![A-Za-z0-9-])--[a-z][a-z0-9-]*");
  private static final Pattern NAMED = Pattern.compile("\\bsetting\\(\\s*\"([^\"]*)\"\\s*\\)");

  /** Options of other programs: compilers and the JVM. */
  private static final Set<String> OF_OTHERS =
      Set.of("--offload-arch", "--gpu-architecture", "--enable-native-access");

  private record Source(Path path, String code) {}

  private static List<Source> belowTheTerminal() throws IOException {
    List<Source> sources = new ArrayList<>();
    for (String folder : List.of("../../backends/src/main/java", "../engine/src/main/java")) {
      try (Stream<Path> files = Files.walk(Path.of(folder))) {
        for (Path file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
          String code =
              Files.readAllLines(file).stream()
                  .filter(line -> !line.strip().startsWith("*") && !line.strip().startsWith("/"))
                  .collect(Collectors.joining("\n"));
          sources.add(new Source(file, code));
        }
      }
    }
    assertTrue(sources.size() > 200, "only " + sources.size() + " sources");
    return sources;
  }

  @Test
  void noSourceBelowTheTerminalWritesAnOption() throws IOException {
    List<String> found = new ArrayList<>();
    for (Source source : belowTheTerminal()) {
      Matcher literal = LITERAL.matcher(source.code());
      while (literal.find()) {
        Matcher option = OPTION.matcher(literal.group());
        while (option.find()) {
          if (!OF_OTHERS.contains(option.group())) {
            found.add(source.path() + ": " + literal.group());
          }
        }
      }
    }
    assertEquals(List.of(), found);
  }

  /** A name that is no option would send the reader of a terminal after one that is not there. */
  @Test
  void everySettingThatAFailureNamesIsAnOption() throws IOException {
    CommandLine line = new CommandLine(CommandSpec.create());
    PrintWriter nowhere = new PrintWriter(new StringWriter());
    Commands.addTo(
        line,
        new Shell(Commands::addTo, Shell.Use.SCRIPT, nowhere, nowhere, Look.PLAIN, false, false));
    Set<String> options =
        line.getSubcommands().values().stream()
            .flatMap(command -> command.getCommandSpec().options().stream())
            .flatMap(option -> Stream.of(option.names()))
            .collect(Collectors.toSet());
    Set<String> named = new TreeSet<>();
    for (Source source : belowTheTerminal()) {
      Matcher name = NAMED.matcher(source.code());
      while (name.find()) {
        named.add("--" + name.group(1));
      }
    }
    assertTrue(named.size() > 20, named.toString());
    named.removeAll(options);
    assertEquals(Set.of(), named);
  }
}
