package dev.anneal.data;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.checkpoint.FileFailures;
import dev.anneal.failure.Failure;
import dev.anneal.tokenizer.ByteTokenizer;
import dev.anneal.tokenizer.Tokenizer;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Makes tokens of text files. A corpus that fits is kept in memory. One large text file whose bytes
 * are its tokens is checked once and read where it is; all others are read once, a piece at a time,
 * into the {@link TokenCache}.
 */
public final class TextReader {
  /** Bytes of tokens, or of files, that are kept in memory. */
  private static final long IN_MEMORY = 16 << 20;

  /** Of the names in the cache: raised when the same text becomes other tokens. */
  private static final String READING = "reading 1";

  private final TextRules rules;
  private final Tokenizer tokenizer;
  private final ReadingProgress progress;
  private final TokenCache cache;
  private final long inMemory;

  public TextReader(TextRules rules, Tokenizer tokenizer, ReadingProgress progress) {
    this(rules, tokenizer, progress, TokenCache.ofUser(), IN_MEMORY);
  }

  TextReader(
      TextRules rules,
      Tokenizer tokenizer,
      ReadingProgress progress,
      TokenCache cache,
      long inMemory) {
    this.rules = rules;
    this.tokenizer = tokenizer;
    this.progress = progress;
    this.cache = cache;
    this.inMemory = inMemory;
  }

  /** A file as it was when it was looked at. */
  private record Identity(Path real, long bytes, String time, String key) {
    static Identity of(Path file) {
      try {
        FileFailures.sizeOfRegularFile(file);
        BasicFileAttributes a = Files.readAttributes(file, BasicFileAttributes.class);
        String time = a.lastModifiedTime().toInstant().toString();
        return new Identity(file.toRealPath(), a.size(), time, String.valueOf(a.fileKey()));
      } catch (IOException e) {
        throw FileFailures.cannotRead(file, e);
      }
    }
  }

  /**
   * The tokens of all text that {@code source} names, as {@link CorpusFiles} has it.
   *
   * @throws Failure when there is no text, it cannot be read, or a rule does not apply to it
   */
  public TextCorpus read(String source) {
    CorpusFiles found = CorpusFiles.find(source);
    requireUsed(found);
    List<Identity> identities = found.files().stream().map(f -> Identity.of(f.path())).toList();
    long bytes = identities.stream().mapToLong(Identity::bytes).sum();
    if (bytes == 0) {
      throw empty(source);
    }
    String key = key(found, identities);
    TextCorpus corpus =
        cache
            .find(key, source, tokenizer)
            .or(() -> inPlace(found, bytes, key))
            .orElseGet(() -> throughSpool(found, bytes, key));
    if (!identities.equals(found.files().stream().map(f -> Identity.of(f.path())).toList())) {
      throw Failure.failed(source + " was changed while it was being read; try again");
    }
    return corpus.withNotes(skipped(found));
  }

  private static Failure empty(String source) {
    return Failure.failed(source + " is empty; give a file with text");
  }

  private void requireUsed(CorpusFiles found) {
    boolean records = found.files().stream().anyMatch(file -> file.form().hasRecords());
    boolean texts = found.files().stream().anyMatch(file -> !file.form().hasRecords());
    if (!records && !rules.field().equals(TextRules.DEFAULT_FIELD)) {
      throw Failure.usage(
          setting("text-field")
              + " "
              + rules.field()
              + ": "
              + found.source()
              + " has no .jsonl or .json, whose records have fields; leave it out");
    }
    if (!texts && rules.documents() != Documents.Named.FILE) {
      throw Failure.usage(
          setting("documents")
              + " "
              + rules.documents()
              + ": of "
              + found.source()
              + ", each record is a document; leave it out");
    }
  }

  private String key(CorpusFiles found, List<Identity> identities) {
    List<String> parts = new ArrayList<>();
    parts.add(READING);
    parts.add(tokenizer.identity());
    parts.add(rules.documents().getClass().getSimpleName() + rules.documents());
    parts.add(rules.field());
    for (int i = 0; i < identities.size(); i++) {
      parts.add(found.files().get(i).form() + " " + identities.get(i));
    }
    return CacheDirectory.key(parts.toArray(String[]::new));
  }

  private static List<String> skipped(CorpusFiles found) {
    int n = found.skipped().size();
    if (n == 0) {
      return List.of();
    }
    String names = String.join(", ", found.skipped().subList(0, Math.min(5, n)));
    return List.of(
        "%s: %d file%s left out that %s no text or empty: %s%s"
            .formatted(
                found.source(),
                n,
                n == 1 ? "" : "s",
                n == 1 ? "is" : "are",
                names,
                n > 5 ? ", …" : ""));
  }

  private TextCorpus throughSpool(CorpusFiles found, long bytes, String key) {
    try (SpilledTokens tokens =
        new SpilledTokens(found.source(), key, tokenizer, cache, inMemory)) {
      TokenSpool spool = new TokenSpool(tokenizer, tokens);
      new CorpusText(rules, progress).read(found, bytes, spool);
      spool.flush();
      if (spool.documents() == 0) {
        throw empty(found.source());
      }
      return tokens.finish(spool.documents());
    }
  }

  /** One large file of bytes that are its tokens; empty when it is another, or was made so. */
  private Optional<TextCorpus> inPlace(CorpusFiles found, long bytes, String key) {
    CorpusFiles.TextFile file = found.files().getFirst();
    if (bytes <= inMemory
        || found.files().size() > 1
        || file.form() != CorpusFiles.Form.TEXT
        || rules.documents() != Documents.Named.FILE
        || !(tokenizer instanceof ByteTokenizer)) {
      return Optional.empty();
    }
    return cache
        .noted(key)
        .or(() -> fingerprintOf(found, bytes, key))
        .map(fingerprint -> ByteFile.open(found.source(), file.path(), tokenizer, fingerprint));
  }

  private Optional<String> fingerprintOf(CorpusFiles found, long bytes, String key) {
    Path file = found.files().getFirst().path();
    Fingerprint fingerprint = TextTokens.fingerprint(tokenizer, bytes + 1);
    fingerprint.add(ByteBuffer.wrap(new byte[] {(byte) tokenizer.endOfText()}));
    try (InputStream raw = Files.newInputStream(file);
        CountedInput counted = new CountedInput(raw, progress, found.source(), 0, bytes);
        TextStream text = TextStream.open(file, new Hashed(counted, fingerprint))) {
      char[] piece = new char[1 << 15];
      while (text.read(piece, 0, piece.length) >= 0) {
        if (text.changed()) {
          return Optional.empty();
        }
      }
      String hex = fingerprint.hex();
      cache.note(key, hex);
      return Optional.of(hex);
    } catch (IOException e) {
      throw FileFailures.cannotRead(file, e);
    }
  }

  private static final class Hashed extends FilterInputStream {
    private final Fingerprint fingerprint;

    Hashed(InputStream in, Fingerprint fingerprint) {
      super(in);
      this.fingerprint = fingerprint;
    }

    @Override
    public int read(byte[] into, int offset, int count) throws IOException {
      int n = in.read(into, offset, count);
      if (n > 0) {
        fingerprint.add(ByteBuffer.wrap(into, offset, n));
      }
      return n;
    }
  }
}
