package dev.anneal.terminal.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.anneal.terminal.text.Look.Colors;
import dev.anneal.terminal.text.Look.Glyphs;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the environment says of a terminal. */
class LookTest {

  private static Map<String, String> environment(String variables) {
    return Arrays.stream(variables.split(" "))
        .map(v -> v.split("=", -1))
        .collect(Collectors.toMap(v -> v[0], v -> v[1]));
  }

  @ParameterizedTest
  @CsvSource({
    "TERM=xterm, 8, SIXTEEN",
    "TERM=xterm-256color, 256, INDEXED",
    "TERM=xterm COLORTERM=truecolor, 8, TRUE",
    "TERM=xterm COLORTERM=24bit, 8, TRUE",
    "TERM=vt100, 0, NONE",
    "TERM=dumb, 256, NONE",
    "TERM=dumb-color COLORTERM=truecolor, 256, NONE",
    "TERM=xterm-256color NO_COLOR=1, 256, NONE",
    "TERM=xterm-256color NO_COLOR=, 256, INDEXED",
    "TERM=xterm COLORTERM=truecolor NO_COLOR=1, 256, NONE"
  })
  void coloursAreWhatTheTerminalHas(String variables, int terminalColors, Colors colors) {
    Look look = Look.of(environment(variables), StandardCharsets.UTF_8, terminalColors);
    assertEquals(colors, look.colors());
  }

  @Test
  void nothingButATerminalHasColours() {
    Map<String, String> environment = environment("TERM=xterm COLORTERM=truecolor");
    assertEquals(Colors.TRUE, Look.of(environment, StandardCharsets.UTF_8, true).colors());
    assertEquals(Colors.NONE, Look.of(environment, StandardCharsets.UTF_8, false).colors());
  }

  @Test
  void glyphsAreWhatTheCharsetHas() {
    Map<String, String> xterm = environment("TERM=xterm");
    assertEquals(Glyphs.BRAILLE, Look.of(xterm, StandardCharsets.UTF_8, 8).glyphs());
    assertEquals(Glyphs.ASCII, Look.of(xterm, StandardCharsets.US_ASCII, 8).glyphs());
    assertEquals(Glyphs.ASCII, Look.of(xterm, StandardCharsets.ISO_8859_1, 8).glyphs());
    Map<String, String> console = environment("TERM=linux");
    assertEquals(Glyphs.BLOCK, Look.of(console, StandardCharsets.UTF_8, 8).glyphs());
    assertEquals(Glyphs.ASCII, Look.of(console, StandardCharsets.US_ASCII, 8).glyphs());
  }
}
