package dev.anneal.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.failure.Failure;
import dev.anneal.tokenizer.ByteTokenizer;
import dev.anneal.tokenizer.Gpt2Tokenizer;
import dev.anneal.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same tokens, whether they are in memory, in the text itself or in the cache. */
class TextReaderTest {
  private static final Tokenizer BYTES = new ByteTokenizer();
  private static final Tokenizer GPT2 = new Gpt2Tokenizer();
  private static final long SMALL = 1000;

  @TempDir Path folder;
  private Path text;
  private TokenCache cache;

  @BeforeEach
  void write() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 400; i++) {
      lines.append("line ").append(i * 7919 % 1000).append(" é, and some words\n\n");
    }
    text = Files.writeString(folder.resolve("t.txt"), lines);
    cache = new TokenCache(new CacheDirectory(folder.resolve("cache")));
  }

  private TextCorpus read(String documents, Tokenizer tokenizer, long inMemory) {
    TextRules rules = new TextRules(Documents.parse(documents), "text");
    return new TextReader(rules, tokenizer, ReadingProgress.NONE, cache, inMemory)
        .read(text.toString());
  }

  private List<Path> cached() {
    try (Stream<Path> files = Files.list(folder.resolve("cache"))) {
      return files.toList();
    } catch (IOException e) {
      return List.of();
    }
  }

  private static void assertSame(TextCorpus expected, TextCorpus actual) {
    assertEquals(expected.documents(), actual.documents());
    assertEquals(expected.tokens().fingerprint(), actual.tokens().fingerprint());
    assertArrayEquals(TextTokensTest.all(expected.tokens()), TextTokensTest.all(actual.tokens()));
    int[] some = new int[7];
    actual.tokens().read(actual.tokens().length() - 5, some, 1, 5);
    int[] all = TextTokensTest.all(expected.tokens());
    assertEquals(all[all.length - 5], some[1]);
    assertEquals(all[all.length - 1], some[5]);
    assertThrows(
        IndexOutOfBoundsException.class,
        () -> actual.tokens().read(actual.tokens().length() - 4, some, 1, 5));
  }

  @Test
  void memoryAndDiskHaveTheSameTokens() {
    for (String documents : List.of("file", "blank-line", "line", "words")) {
      for (Tokenizer tokenizer : List.of(BYTES, GPT2)) {
        TextCorpus memory = read(documents, tokenizer, Long.MAX_VALUE);
        assertTrue(memory.tokens() instanceof TextTokens);
        TextCorpus disk = read(documents, tokenizer, SMALL);
        assertTrue(disk.tokens() instanceof FileTokens);
        assertSame(memory, disk);
        // Found again, and not read again.
        int files = cached().size();
        assertSame(memory, read(documents, tokenizer, SMALL));
        assertEquals(files, cached().size());
      }
    }
    assertEquals(8, cached().size());
    assertEquals(
        List.of(32L),
        cached().stream()
            .filter(f -> !f.toString().endsWith(".tokens"))
            .map(f -> f.toFile().length())
            .toList());
  }

  @Test
  void aLongTextIsEncodedInPiecesAsTheWholeIs() throws IOException {
    String long1 =
        "It was the best of times,  it was\nthe worst \ud83d\ude80\ud83d\ude80 of times. "
            .repeat(60_000);
    text = Files.writeString(folder.resolve("long.txt"), long1);
    int[] whole = GPT2.encode(long1);
    int[] pieces = TextTokensTest.all(read("file", GPT2, SMALL).tokens());
    assertEquals(whole.length + 1, pieces.length);
    assertArrayEquals(whole, java.util.Arrays.copyOfRange(pieces, 1, pieces.length));
  }

  @Test
  void aTextThatChangedIsReadAgain() throws IOException {
    String before = read("file", BYTES, SMALL).tokens().fingerprint();
    Files.writeString(text, "x", StandardOpenOption.APPEND);
    TextCorpus after = read("file", BYTES, SMALL);
    assertFalse(before.equals(after.tokens().fingerprint()));
    assertSame(read("file", BYTES, Long.MAX_VALUE), after);
  }

  @Test
  void aDamagedCacheIsMadeAgain() throws IOException {
    TextCorpus good = read("line", GPT2, Long.MAX_VALUE);
    assertSame(good, read("line", GPT2, SMALL));
    Path file = cached().getFirst();
    long size = Files.size(file);
    for (long cut : new long[] {0, 17, size - 1}) {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.truncate(cut);
      }
      assertSame(good, read("line", GPT2, SMALL));
      assertEquals(size, Files.size(file));
    }
  }

  @Test
  void aCacheThatCannotBeWrittenToIsSaid() throws IOException {
    Files.writeString(folder.resolve("cache"), "a file where a folder should be");
    TextCorpus corpus = read("line", BYTES, SMALL);
    assertEquals(1, corpus.notes().size());
    assertTrue(corpus.notes().getFirst().contains("for this run only"), corpus.notes().toString());
    assertSame(read("line", BYTES, Long.MAX_VALUE), corpus);
    assertSame(read("file", BYTES, Long.MAX_VALUE), read("file", BYTES, SMALL));
  }

  @Test
  void aTextThatIsCutWhileItIsReadIsNamed() throws IOException {
    TextCorpus corpus = read("file", BYTES, SMALL);
    try (FileChannel channel = FileChannel.open(text, StandardOpenOption.WRITE)) {
      channel.truncate(500);
    }
    Failure e = assertThrows(Failure.class, () -> TextTokensTest.all(corpus.tokens()));
    assertTrue(e.getMessage().contains(text + ": it ends at byte 500"), e.getMessage());
  }

  @Test
  void whoWasKilledLeavesNothingForEver() throws IOException {
    Path part = Files.createDirectories(folder.resolve("cache")).resolve("x.part");
    Path young = Files.writeString(folder.resolve("cache/y.part"), "y");
    Files.writeString(part, "x");
    assertTrue(part.toFile().setLastModified(System.currentTimeMillis() - 24 * 3_600_000L));
    read("line", BYTES, SMALL);
    assertFalse(Files.exists(part));
    assertTrue(Files.exists(young));
    assertEquals(2, cached().size());
  }

  @Test
  void whatThrowsWhileReadingLeavesNothing() {
    TextReader reader =
        new TextReader(
            new TextRules(Documents.parse("nowhere"), "text"),
            BYTES,
            ReadingProgress.NONE,
            cache,
            SMALL);
    assertThrows(Failure.class, () -> reader.read(text.toString()));
    assertEquals(List.of(), cached());
  }
}
