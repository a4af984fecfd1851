package dev.anneal.style;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Switches over ops name all of them, so that the compiler asks for a new one. Only what ops one
 * launch does together is a choice of some: an op that is not named there runs alone.
 */
class OpSwitchesTest {
  private static final Map<String, Integer> FUSIONS = Map.of("Fusions.java", 2, "EightBit.java", 2);

  private static final Pattern SWITCH = Pattern.compile("\\bswitch \\(");
  private static final Pattern OF_OPS = Pattern.compile("\\bcase (Muon)?Op\\.");
  private static final Pattern DEFAULT = Pattern.compile("\\bdefault ->");

  @Test
  void haveNoDefault() throws IOException {
    Map<String, Integer> found = new TreeMap<>();
    Path root = Path.of("../..").toAbsolutePath().normalize();
    for (String module : List.of("backends", "app/engine", "app/terminal")) {
      try (Stream<Path> files = Files.walk(root.resolve(module).resolve("src/main/java"))) {
        for (Path file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
          int count = withDefault(Files.readString(file)).size();
          if (count > 0) {
            found.put(file.getFileName().toString(), count);
          }
        }
      }
    }
    assertEquals(new TreeMap<>(FUSIONS), found);
  }

  @Test
  void aDefaultIsNoticed() {
    String good = "switch (op) { case Op.Add a -> 1; case Op.Fill f -> 2; }";
    String bad = "int n = switch (op) { case Op.Add a -> { yield 1; } default -> 0; };";
    String other = "switch (n) { case 1 -> 2; default -> 3; }";
    assertEquals(1, withDefault(good + bad + other).size());
  }

  /** The bodies of switches over ops that have a default. */
  private static List<String> withDefault(String source) {
    List<String> bodies = new ArrayList<>();
    Matcher begin = SWITCH.matcher(source);
    while (begin.find()) {
      String body = body(source, source.indexOf('{', begin.end()));
      if (OF_OPS.matcher(body).find() && DEFAULT.matcher(body).find()) {
        bodies.add(body);
      }
    }
    return bodies;
  }

  private static String body(String source, int brace) {
    int depth = 0;
    for (int i = brace; i < source.length(); i++) {
      depth += source.charAt(i) == '{' ? 1 : source.charAt(i) == '}' ? -1 : 0;
      if (depth == 0) {
        return source.substring(brace, i + 1);
      }
    }
    return source.substring(brace);
  }
}
