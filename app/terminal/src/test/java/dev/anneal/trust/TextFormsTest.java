package dev.anneal.trust;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.data.Documents;
import dev.anneal.data.ReadingProgress;
import dev.anneal.data.TextCorpus;
import dev.anneal.data.TextReader;
import dev.anneal.data.TextRules;
import dev.anneal.failure.Failure;
import dev.anneal.terminal.Anneal;
import dev.anneal.terminal.shell.TinyShell;
import dev.anneal.terminal.text.Words;
import dev.anneal.tokenizer.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a text file looks like to its user is what is trained on, whoever wrote it. */
class TextFormsTest {
  private static final String TEXT = "Zoë said:\n\n\"ships\" \ud83d\ude80\nand left\n";

  @TempDir Path folder;

  private Path write(String name, byte[]... parts) {
    try {
      Path file = folder.resolve(name);
      Files.createDirectories(file.getParent());
      try (OutputStream out = Files.newOutputStream(file)) {
        for (byte[] part : parts) {
          out.write(part);
        }
      }
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  private static byte[] utf8(String text) {
    return text.getBytes(UTF_8);
  }

  private static byte[] gzip(byte[] content) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static TextCorpus read(Object source, String documents, String field) {
    TextRules rules = new TextRules(Documents.parse(documents), field);
    return new TextReader(rules, Tokenizer.named("byte"), ReadingProgress.NONE)
        .read(source.toString());
  }

  /** The documents, each with a bar before it. */
  private static String documents(TextCorpus corpus) {
    int[] tokens = new int[(int) corpus.tokens().length()];
    corpus.tokens().read(0, tokens);
    byte[] text = new byte[tokens.length];
    for (int i = 0; i < tokens.length; i++) {
      text[i] = (byte) (tokens[i] == 0 ? '|' : tokens[i]);
    }
    return new String(text, UTF_8);
  }

  private static String documents(Object source) {
    return documents(read(source, "file", "text"));
  }

  private static String refused(Object source) {
    Failure e = assertThrows(Failure.class, () -> read(source, "file", "text"));
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
    return e.getMessage();
  }

  @Test
  void aByteOrderMarkIsNoText() {
    assertEquals("|" + TEXT, documents(write("t", bytes(0xEF, 0xBB, 0xBF), utf8(TEXT))));
    assertEquals("|" + TEXT, documents(write("t", bytes(0xFF, 0xFE), TEXT.getBytes(UTF_16LE))));
    assertEquals("|" + TEXT, documents(write("t", bytes(0xFE, 0xFF), TEXT.getBytes(UTF_16BE))));
    assertTrue(refused(write("t", bytes(0xFF, 0xFE, 0, 0, 'a', 0, 0, 0))).contains("is UTF-32"));
    // Anywhere else it is a character.
    assertEquals("|a\ufeffb", documents(write("t", utf8("a\ufeffb"))));
  }

  @Test
  void linesEndAlikeWhoeverWroteThem() {
    String windows = TEXT.replace("\n", "\r\n");
    assertEquals("|" + TEXT, documents(write("t", utf8(windows))));
    assertEquals(
        "|Zoë said:\n\n|\"ships\" \ud83d\ude80\nand left\n",
        documents(read(write("t", utf8(windows)), "blank-line", "text")));
    byte[] utf16 = windows.getBytes(UTF_16LE);
    assertEquals("|" + TEXT, documents(write("t", bytes(0xFF, 0xFE), utf16)));
    assertEquals("|a\rb\r\n|c", documents(read(write("t", utf8("a\rb\r\r\nc")), "line", "text")));
    assertEquals("|a\r", documents(write("t", utf8("a\r"))));
    // Wherever a buffer ends.
    for (int before : new int[] {65533, 65534, 65535, 65536}) {
      String text = "x".repeat(before) + "\r\né\r\n";
      assertEquals("|" + text.replace("\r", ""), documents(write("t", utf8(text))));
    }
  }

  @Test
  void whatIsNoTextIsRefusedWithItsPlace() {
    assertTrue(refused(write("t", bytes('a', 'b', 0xFF))).contains("byte 2 is 0xff"));
    assertTrue(refused(write("t", bytes('a', 0xC3))).contains("byte 1 is 0xc3"));
    byte[] late = utf8("é".repeat(70_000));
    late[139_998] = 'x';
    assertTrue(refused(write("t", late)).contains("byte 139999 is 0xa9"));
    assertTrue(refused(write("t", gzip(late))).contains("byte 139999 is 0xa9 (uncompressed)"));
    assertTrue(refused(write("t", utf8("a".repeat(70_000) + "\0b"))).contains("byte 70000 is NUL"));
    byte[] wide = "ab\0c".getBytes(UTF_16LE);
    assertTrue(refused(write("t", bytes(0xFF, 0xFE), wide)).contains("byte 6 is NUL"));
    assertTrue(refused(write("t", "ab".getBytes(UTF_16LE))).contains("iconv -f UTF-16LE"));
    assertTrue(refused(write("t", "Zoë".getBytes(ISO_8859_1))).contains("byte 2 is 0xeb"));
  }

  @Test
  void filesOfOtherFormsAreRefusedByName() {
    assertTrue(refused(write("a.zst", bytes(0x28, 0xB5, 0x2F, 0xFD, 1))).contains("zstd"));
    assertTrue(refused(write("a.parquet", utf8("PAR1…"))).contains("a Parquet file"));
    assertTrue(refused(write("a.docx", utf8("PK\3\4"))).contains("there are text, .jsonl"));
    assertTrue(refused(write("t.gz", Arrays.copyOf(gzip(utf8(TEXT)), 30))).contains("damaged"));
    assertTrue(refused(write("t", new byte[0])).contains("is empty"));
    assertTrue(refused(write("t.gz", gzip(new byte[0]))).contains("is empty"));
    assertEquals(
        folder.resolve("missing") + " does not exist; check the path",
        refused(folder.resolve("missing")));
    assertTrue(refused("/dev/zero").contains("is no regular file"));
  }

  @Test
  void aRecordOfJsonIsADocument() {
    String lines =
        "{\"id\":1,\"text\":\"a\\r\\nb\"}\n\n{\"text\":\"\\ud83d\\ude80\",\"x\":[{}]}\r\n";
    assertEquals("|a\nb|\ud83d\ude80", documents(write("t.jsonl", utf8(lines))));
    assertEquals("|a\nb|\ud83d\ude80", documents(write("t.jsonl.gz", gzip(utf8(lines)))));
    String array = "[" + lines.strip().replace("\n\n", ",\n") + "]";
    assertEquals("|a\nb|\ud83d\ude80", documents(write("t.json", utf8(array))));
    assertEquals("|a\nb|\ud83d\ude80", documents(write("t.json", utf8(lines))));
    Path other = write("u.jsonl", utf8("{\"body\":\"c\"}"));
    assertEquals("|c", documents(read(other, "file", "body")));
  }

  @Test
  void aRecordThatIsWrongIsNamedWithItsLine() {
    String good = "{\"text\":\"a\"}\n";
    for (String bad :
        List.of("{\"text\":\"b\"", "nonsense", "[1]", "{\"text\":1}", "{\"a\":\"\"}", "{} {}")) {
      String lines = refused(write("t.jsonl", utf8(good + bad + "\n" + good)));
      assertTrue(lines.startsWith(folder.resolve("t.jsonl") + ", line 2"), lines);
    }
    assertTrue(refused(write("t.jsonl", utf8("{\"a\":1}"))).contains("but a; text-field NAME"));
    assertTrue(refused(write("t.jsonl", utf8("{\"text\":\"\\u0000\"}"))).contains("NUL"));
    String array = refused(write("t.json", utf8("[" + good + ",\n\"b\"]")));
    assertTrue(array.startsWith(folder.resolve("t.json") + ", line 3: it has 'b'"), array);
    assertTrue(refused(write("t.json", utf8("[" + good))).contains("line 2 is no JSON"));
  }

  @Test
  void aFolderIsItsTextFilesInTheOrderOfTheirPaths() {
    write("d/b.txt", utf8("b"));
    write("d/B.txt", utf8("B"));
    write("d/ä.md", utf8("ä"));
    write("d/a/z.gz", gzip(utf8("z")));
    write("d/c.jsonl", utf8("{\"text\":\"c1\"}\n{\"text\":\"c2\"}\n"));
    write("d/.hidden", utf8("no"));
    write("d/.git/x", utf8("no"));
    write("d/p.png", bytes(0x89, 'P', 'N', 'G', 0));
    write("d/package.json", utf8("{}"));
    write("d/latin", "Zoë".getBytes(ISO_8859_1));
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.of("sv", "SE"));
      TextCorpus corpus = read(folder.resolve("d"), "file", "text");
      assertEquals("|B|z|b|c1|c2|ä", documents(corpus));
      assertEquals(6, corpus.documents());
      assertEquals(1, corpus.notes().size());
      String note = corpus.notes().getFirst();
      assertTrue(note.contains("3 files left out") && note.contains("latin, p"), note);
    } finally {
      Locale.setDefault(before);
    }
    assertEquals("|B|b", documents(folder.resolve("d/*.txt")));
    assertEquals("|B|b|c1|c2", documents(folder.resolve("d/{*.txt,?.jsonl}")));
    assertEquals("|z", documents(folder.resolve("*/[a]/*")));
    assertEquals("|B|z|b", documents(folder.resolve("d/**{.txt,gz}")));
    assertTrue(refused(folder.resolve("d/*.tex")).contains("no file matches"));
  }

  @Test
  void foldersWithoutTextAndMixturesAreRefused() {
    write("e/x.png", bytes(0x89, 'P', 'N', 'G'));
    assertTrue(refused(folder.resolve("e")).contains("only such as x.png"));
    write("s/x.bin", utf8("abc"));
    assertTrue(refused(folder.resolve("s")).contains("/s/*.bin'"), refused(folder.resolve("s")));
    write("s/x.txt", utf8("abc"));
    assertTrue(refused(folder.resolve("s/x*")).contains("matches token shards"));
  }

  @Test
  void theSameTextHasTheSameFingerprintInAnyForm() {
    String plain = read(write("t.txt", utf8(TEXT)), "file", "text").tokens().fingerprint();
    byte[] windows = utf8("\ufeff" + TEXT.replace("\n", "\r\n"));
    for (Object other : List.of(write("w", windows), write("t.gz", gzip(utf8(TEXT))))) {
      assertEquals(plain, read(other, "file", "text").tokens().fingerprint());
    }
  }

  /**
   * The validation's loss is of --val-data: of a text that the model has learned, or of another.
   */
  @Test
  void validationComesFromWhatIsGiven() throws IOException {
    Path known = write("v/known.jsonl", utf8("{\"text\":\"" + "ab".repeat(60) + "\"}\n"));
    Path unknown = write("v/unknown.txt.gz", gzip(utf8("%&".repeat(60))));
    Path text = write("text.txt", utf8("ab".repeat(500)));
    assertArrayEquals(utf8("ab".repeat(500)), Files.readAllBytes(text));
    double low = validation("a", known);
    double high = validation("b", unknown);
    assertTrue(low < 3 && high > low + 1, low + " " + high);
  }

  private double validation(String name, Path data) {
    StringWriter out = new StringWriter();
    String line =
        TinyShell.train(folder, name, "--steps 20 --lr 1e-2 --val-every 20 --val-batches 5 ")
            + " --json --val-data "
            + Words.quote(data.toString());
    String[] words = Words.complete(line).getFirst().toArray(String[]::new);
    assertEquals(0, Anneal.run(words, new PrintWriter(out), new PrintWriter(out)), out::toString);
    String last =
        out.toString()
            .lines()
            .filter(json -> json.contains("\"event\":\"evaluation\""))
            .reduce((a, b) -> b)
            .orElseThrow();
    return Double.parseDouble(last.replaceAll(".*\"val_loss\":([0-9.]+).*", "$1"));
  }
}
