package dev.anneal.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.data.TextTokens.Documents;
import dev.anneal.failure.Failure;
import dev.anneal.tokenizer.ByteTokenizer;
import dev.anneal.tokenizer.Gpt2Tokenizer;
import dev.anneal.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
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

  private String failure(byte[] content) throws IOException {
    Path path = Files.write(directory.resolve("text"), content);
    String message =
        assertThrows(Failure.class, () -> TextTokens.read(path, Documents.WHOLE, BYTES))
            .getMessage();
    assertTrue(message.contains(path.toString()), message);
    return message;
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
  void sectionsKeepTheirEmptyLine() throws IOException {
    Path path = Files.writeString(directory.resolve("s.txt"), "a\n\nb\n\n\nc");
    TextTokens tokens = TextTokens.read(path, Documents.SECTIONS, BYTES);
    assertArrayEquals(
        new int[] {0, 'a', '\n', '\n', 0, 'b', '\n', '\n', 0, '\n', 'c'}, all(tokens));
  }

  @Property
  void sectionsJoinToTheText(@ForAll List<Boolean> lines) {
    StringBuilder text = new StringBuilder();
    lines.forEach(line -> text.append(line ? "x" : "\n"));
    assertEquals(text.toString(), String.join("", Documents.SECTIONS.of(text.toString())));
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

  @Test
  void filesThatAreNoText() throws IOException {
    assertTrue(failure(new byte[0]).contains("is empty"));
    assertTrue(failure(new byte[] {'a', 'b', (byte) 0xFF}).contains("byte 2 is 0xff"));
    assertTrue(failure(new byte[] {'a', (byte) 0xC3}).contains("byte 1 is 0xc3"));
    byte[] late = "é".repeat(70_000).getBytes(StandardCharsets.UTF_8);
    late[139_998] = 'x';
    assertTrue(failure(late).contains("byte 139999 is 0xa9"));
    Path missing = directory.resolve("missing");
    Failure e = assertThrows(Failure.class, () -> TextTokens.read(missing, Documents.WHOLE, BYTES));
    assertEquals(missing + " does not exist; check the path", e.getMessage());
    assertThrows(Failure.class, () -> TextTokens.read(directory, Documents.WHOLE, BYTES));
  }
}
