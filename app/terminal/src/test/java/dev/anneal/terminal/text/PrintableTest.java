package dev.anneal.terminal.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** Text that is safe to send. */
class PrintableTest {

  @Test
  void controlCharactersAreShown() {
    assertEquals("a␛[31mb␇\nc\td␀␡�", Printable.text("a\033[31mb\007\nc\td\0\177\u009b"));
    assertEquals("a b c", Printable.line("a\nb\tc"));
    assertEquals("a^[[31mb^G?", Printable.ascii("a\033[31mb\007é"));
  }

  @Property(tries = 500)
  void nothingControlsTheTerminal(@ForAll String text) {
    assertTrue(
        Printable.text(text)
            .codePoints()
            .allMatch(c -> c == '\n' || c == '\t' || !Character.isISOControl(c)));
    assertTrue(Printable.line(text).codePoints().noneMatch(Character::isISOControl));
    assertTrue(
        Printable.ascii(text).chars().allMatch(c -> c == '\n' || c == '\t' || c >= 32 && c < 127));
  }
}
