package dev.anneal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import java.util.Arrays;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class TokenizerTest {
  private final Gpt2Tokenizer gpt2 = new Gpt2Tokenizer();
  private final ByteTokenizer bytes = new ByteTokenizer();

  @Provide
  static Arbitrary<String> unicode() {
    return Arbitraries.oneOf(
        Arbitraries.strings().all().ofMaxLength(60),
        Arbitraries.strings().withChars("ab 1'\n\t\u00a0\u2028éπ中\ud83d\ude00").ofMaxLength(60));
  }

  @Property
  void decodingGivesTheTextBack(@ForAll("unicode") String text) {
    String expected = Tokenizer.wellFormed(text);
    assertEquals(expected, gpt2.decode(gpt2.encode(text)));
    assertEquals(expected, bytes.decode(bytes.encode(text)));
  }

  @Property
  void tokensAreInTheVocabulary(@ForAll("unicode") String text) {
    assertTrue(Arrays.stream(gpt2.encode(text)).allMatch(t -> t >= 0 && t < 50256));
    assertTrue(Arrays.stream(bytes.encode(text)).allMatch(t -> t >= 0 && t < 256));
  }

  @Property
  void aTextEncodesTheSameInChunks(@ForAll("unicode") String text) {
    assertArrayEquals(gpt2.encode(text), gpt2.encode(text, 3));
  }

  /** Encodings that OpenAI's own tokenizer gives. */
  @Test
  void knownEncodings() {
    assertArrayEquals(new int[] {15496, 11, 995, 0}, gpt2.encode("Hello, world!"));
    assertArrayEquals(new int[] {}, gpt2.encode(""));
    assertArrayEquals(new int[] {198}, gpt2.encode("\n"));
    assertArrayEquals(new int[] {628}, gpt2.encode("\n\n"));
    assertArrayEquals(new int[] {220, 220, 1257}, gpt2.encode("   fun"));
    assertArrayEquals(new int[] {9099, 470, 1560}, gpt2.encode("don't tell"));
    assertArrayEquals(new int[] {31373, 995}, gpt2.encode("hello world"));
  }

  @Test
  void theEndOfTextInATextIsOrdinary() {
    assertArrayEquals(new int[] {27, 91, 437, 1659, 5239, 91, 29}, gpt2.encode("<|endoftext|>"));
    assertEquals("<|endoftext|>", gpt2.decode(gpt2.endOfText()));
    assertEquals(50256, gpt2.endOfText());
    assertEquals(50257, gpt2.vocabularySize());
  }

  @Test
  void unpairedSurrogatesBecomeTheReplacementCharacter() {
    assertEquals("a\ufffdb", Tokenizer.wellFormed("a\ud800b"));
    assertEquals("\ufffd\ufffd", Tokenizer.wellFormed("\udc00\ud800"));
    assertEquals("\ufffd\ud83d\ude00", Tokenizer.wellFormed("\ud83d\ud83d\ude00"));
    assertArrayEquals(bytes.encode("a\ufffdb"), bytes.encode("a\udfffb"));
    assertArrayEquals(gpt2.encode("a\ufffdb"), gpt2.encode("a\udfffb"));
  }

  @Test
  void everyTokenHasBytes() {
    for (int token = 0; token < gpt2.vocabularySize(); token++) {
      assertTrue(gpt2.bytes(token).length > 0);
    }
    assertArrayEquals(new byte[] {(byte) 0xFF}, bytes.bytes(255));
  }

  @Test
  void aTokenOutsideTheVocabularyIsNamed() {
    for (int token : new int[] {50257, -1, Integer.MIN_VALUE}) {
      Failure e = assertThrows(Failure.class, () -> gpt2.bytes(token));
      assertTrue(e.getMessage().contains(Integer.toUnsignedString(token)), e.getMessage());
    }
    assertThrows(Failure.class, () -> bytes.bytes(256));
  }

  @Test
  void longRunsAreEncoded() {
    for (String run : new String[] {"a", " ", "\n", "1", "é", "\ud83d\ude00"}) {
      String text = run.repeat(100_000);
      assertEquals(text, gpt2.decode(gpt2.encode(text)));
    }
  }

  @Test
  void tokenizersHaveNames() {
    assertEquals("byte", Tokenizer.named("byte").name());
    assertEquals("gpt2", Tokenizer.named("gpt2").name());
    Failure e = assertThrows(Failure.class, () -> Tokenizer.named("gpt3"));
    assertEquals(ExitCode.USAGE, e.exitCode());
    assertTrue(e.getMessage().contains("'gpt3'") && e.getMessage().contains("byte and gpt2"));
  }
}
