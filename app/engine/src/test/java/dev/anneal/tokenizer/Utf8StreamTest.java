package dev.anneal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class Utf8StreamTest {

  @Property
  void piecesJoinToWhatTheWholeDecodesTo(
      @ForAll @Size(max = 40) byte[] bytes, @ForAll @IntRange(min = 1, max = 7) int piece) {
    Utf8Stream stream = new Utf8Stream();
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < bytes.length; i += piece) {
      text.append(stream.accept(Arrays.copyOfRange(bytes, i, Math.min(bytes.length, i + piece))));
    }
    text.append(stream.flush());
    assertEquals(new String(bytes, StandardCharsets.UTF_8), text.toString());
  }

  @Property
  void noPieceEndsWithinACharacter(@ForAll String any) {
    byte[] bytes = Tokenizer.wellFormed(any).getBytes(StandardCharsets.UTF_8);
    Utf8Stream stream = new Utf8Stream();
    StringBuilder text = new StringBuilder();
    for (byte b : bytes) {
      String piece = stream.accept(new byte[] {b});
      assertFalse(!piece.isEmpty() && Character.isHighSurrogate(piece.charAt(piece.length() - 1)));
      text.append(piece);
    }
    assertEquals("", stream.flush());
    assertEquals(Tokenizer.wellFormed(any), text.toString());
  }

  @Test
  void aCharacterThatOnlyBeganIsReplacedAtTheEnd() {
    Utf8Stream stream = new Utf8Stream();
    assertEquals("a", stream.accept(new byte[] {'a', (byte) 0xF0, (byte) 0x9F}));
    assertEquals("\ufffd", stream.flush());
    assertEquals("b", stream.accept(new byte[] {'b'}));
    assertEquals("", stream.flush());
  }
}
