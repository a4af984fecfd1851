package dev.anneal.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.failure.Failure;
import dev.anneal.tokenizer.ByteTokenizer;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SplitTest {
  @TempDir Path home;

  private static TokenSource text(int tokens) {
    return TextTokens.of("t", List.of("x".repeat(tokens - 1)), new ByteTokenizer());
  }

  @Test
  void theBeginningOfALongTextIsHeldOut() {
    Split split = Split.head(text(400_000));
    assertEquals(32_768, split.validation().length());
    assertEquals(400_000 - 32_768, split.training().length());
    int[] first = new int[1];
    split.validation().read(0, first);
    assertEquals(0, first[0]);
    assertEquals("token 32769 of t", split.training().place(1));
    assertNotEquals(split.training().fingerprint(), split.validation().fingerprint());
  }

  @Test
  void aTenthOfAShortTextIsHeldOut() {
    assertEquals(100, Split.head(text(1000)).validation().length());
    assertEquals(32_768, Split.head(text(327_680)).validation().length());
    assertEquals(32_767, Split.head(text(327_679)).validation().length());
    assertEquals(0, Split.head(text(2)).validation().length());
  }

  @Test
  void theLastTenthOfATextIsHeldOutAsNanoGptDoes() {
    // nanoGPT of tinyshakespeare: 1,115,394 characters, of which int(0.9 * n) are trained on.
    Split split = Split.tail(text(1 + 1_115_394));
    assertEquals(111_540, split.validation().length());
    assertEquals(1 + 1_003_854, split.training().length());
    assertEquals("token 1003855 of t", split.validation().place(0));
    assertEquals(0, Split.tail(text(1)).validation().length());
  }

  @Test
  void aRangeStaysInItself() {
    TokenSource range = text(10).range("part", 2, 3);
    assertThrows(IndexOutOfBoundsException.class, () -> range.read(0, new int[4]));
    assertThrows(IndexOutOfBoundsException.class, () -> range.read(-1, new int[1]));
    assertThrows(IndexOutOfBoundsException.class, () -> text(10).range("part", 8, 3));
  }

  @Test
  void everyTenthDocumentIsHeldOut() {
    List<String> documents =
        IntStream.range(0, 25).mapToObj(i -> String.valueOf((char) ('a' + i))).toList();
    Split split = Split.byDocument("d", documents, new ByteTokenizer());
    assertArrayEquals(new int[] {0, 'j', 0, 't'}, TextTokensTest.all(split.validation()));
    assertEquals(2 * 23, split.training().length());
    Split two = Split.byDocument("d", List.of("a", "b"), new ByteTokenizer());
    assertArrayEquals(new int[] {0, 'b'}, TextTokensTest.all(two.validation()));
    Split one = Split.byDocument("d", List.of("x".repeat(19)), new ByteTokenizer());
    assertEquals(2, one.validation().length());
  }

  private void zip(String... namesAndTexts) throws IOException {
    Path path = Files.createDirectories(home.resolve("lib")).resolve("src.zip");
    try (OutputStream file = Files.newOutputStream(path);
        ZipOutputStream out = new ZipOutputStream(file)) {
      for (int i = 0; i < namesAndTexts.length; i += 2) {
        out.putNextEntry(new ZipEntry(namesAndTexts[i]));
        out.write(namesAndTexts[i + 1].getBytes(StandardCharsets.UTF_8));
      }
    }
  }

  @Test
  void sourcesOfAJdkComeInTheOrderOfTheirNames() throws IOException {
    zip(
        "java.base/java/util/List.java", "/* Copyright */\n\npackage java.util;\n",
        "java.base/java/io/File.java", "/* no licence */\npackage java.io;\n",
        "java.base/java/io/notes.html", "no",
        "java.base/sun/X.java", "no",
        "java.sql/java/sql/Date.java", "no");
    JdkSources sources = JdkSources.of(home, 1000);
    assertEquals(
        List.of("/* no licence */\npackage java.io;\n", "package java.util;\n"),
        sources.documents());
    assertTrue(sources.description().startsWith("2 of 2 files of the Java sources of "));
    assertEquals(1, JdkSources.of(home, 40).documents().size());
    assertThrows(Failure.class, () -> JdkSources.of(home, 4));
  }

  @Test
  void withoutSourcesTheLicencesAreUsed() throws IOException {
    Path legal = home.resolve("legal");
    Files.createDirectories(legal.resolve("java.base"));
    Files.createDirectories(legal.resolve("java.sql"));
    Files.writeString(legal.resolve("java.base").resolve("zlib.md"), "zlib");
    Files.writeString(legal.resolve("java.base").resolve("LICENSE"), "licence");
    Files.writeString(legal.resolve("java.sql").resolve("LICENSE"), "licence");
    JdkSources sources = JdkSources.of(home, 1000);
    assertEquals(List.of("licence", "zlib"), sources.documents());
    assertTrue(sources.description().contains("licence texts"), sources.description());
    assertTrue(sources.description().contains("there is no"), sources.description());
  }

  @Test
  void aBrokenJdkIsNamed() throws IOException {
    assertTrue(
        assertThrows(Failure.class, () -> JdkSources.of(home, 9)).getMessage().contains("no JDK"));
    Files.writeString(Files.createDirectories(home.resolve("lib")).resolve("src.zip"), "no zip");
    assertTrue(
        assertThrows(Failure.class, () -> JdkSources.of(home, 9)).getMessage().contains("damaged"));
  }

  @Test
  void thisJdkHasACorpus() {
    JdkSources sources = JdkSources.ofThisJdk(300_000);
    assertTrue(sources.documents().size() > 1);
    assertEquals(sources, JdkSources.ofThisJdk(300_000));
  }
}
