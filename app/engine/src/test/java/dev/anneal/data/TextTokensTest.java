package dev.anneal.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.anneal.tokenizer.ByteTokenizer;
import dev.anneal.tokenizer.Gpt2Tokenizer;
import dev.anneal.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextTokensTest {
  private static final Tokenizer BYTES = new ByteTokenizer();

  @TempDir Path directory;

  static int[] all(TokenSource source) {
    int[] tokens = new int[(int) source.length()];
    source.read(0, tokens);
    return tokens;
  }

  @Test
  void theEndOfTextIsBeforeEachDocument() {
    assertArrayEquals(
        new int[] {0, 'a', 'b', 0, 'c'}, all(TextTokens.of("t", List.of("ab", "c"), BYTES)));
    assertArrayEquals(
        new int[] {50256, 31373, 995},
        all(TextTokens.of("t", List.of("hello world"), new Gpt2Tokenizer())));
  }

  @Test
  void earlierRunsReadEveryByteAndCutBehindEmptyLines() throws IOException {
    Path path = Files.writeString(directory.resolve("s.txt"), "\ufeffa\r\n\n\nb\n\n\nc\0");
    assertArrayEquals(
        new int[] {
          0, 0xef, 0xbb, 0xbf, 'a', '\r', '\n', '\n', 0, '\n', 'b', '\n', '\n', 0, '\n', 'c', 0
        },
        all(EarlierText.read(path, BYTES)));
  }

  @Property
  void sectionsJoinToTheText(@ForAll List<Boolean> lines) {
    StringBuilder text = new StringBuilder();
    lines.forEach(line -> text.append(line ? "x" : "\n"));
    assertEquals(text.toString(), String.join("", EarlierText.sections(text.toString())));
  }

  @Test
  void tokensArePackedAndReadBackAtAnyPlace() {
    for (int vocabulary : new int[] {256, 50257, 128256}) {
      PackedTokens packed = new PackedTokens(vocabulary);
      List<Integer> expected = new ArrayList<>();
      for (int i = 0; i < 20_000; i++) {
        int token = (int) ((i * 7919L) % vocabulary);
        packed.add(token);
        expected.add(token);
      }
      packed.trim();
      int[] some = new int[5];
      packed.read(19_990, some, 1, 4);
      assertEquals(
          List.of(0, expected.get(19_990), expected.get(19_991)),
          List.of(some[0], some[1], some[2]));
      assertThrows(IndexOutOfBoundsException.class, () -> packed.read(19_999, some, 0, 2));
    }
  }

  @Test
  void aFingerprintIsOfTokensAndTokenizer() {
    String a = TextTokens.of("x", List.of("abc"), BYTES).fingerprint();
    assertEquals(a, TextTokens.of("elsewhere", List.of("abc"), BYTES).fingerprint());
    assertNotEquals(a, TextTokens.of("x", List.of("abd"), BYTES).fingerprint());
    assertNotEquals(a, TextTokens.of("x", List.of("abc"), new Gpt2Tokenizer()).fingerprint());
  }
}
