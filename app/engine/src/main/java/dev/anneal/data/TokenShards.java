package dev.anneal.data;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.checkpoint.DurableFile;
import dev.anneal.checkpoint.FileWriter;
import dev.anneal.checkpoint.InputFile;
import dev.anneal.checkpoint.LlmcHeader;
import dev.anneal.checkpoint.LlmcHeader.Kind;
import dev.anneal.checkpoint.WholeBuffer;
import dev.anneal.failure.Failure;
import dev.anneal.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * llm.c's token files, one after the other as one sequence: a header (magic, version, number of
 * tokens) and then the ids, of 16 bits (magic 20240520, version 1, GPT-2) or 32 (20240801, version
 * 7, Llama 3). Ours also note the tokenizer's vocabulary in the header, where llm.c has zero.
 */
public final class TokenShards implements TokenSource, AutoCloseable {
  private static final int LENGTH_AT = 2;
  private static final int VOCABULARY_AT = 3;
  private static final int MAXIMUM_OPEN = 64;
  private static final int CHUNK = 1 << 16;

  /** What sets the two kinds apart. */
  private enum Width {
    GPT2(Kind.TOKENS_16, 1, 2, 50_257),
    LLAMA3(Kind.TOKENS_32, 7, 4, 128_256);

    private final Kind kind;
    private final int version;
    private final int bytes;
    private final int vocabulary;

    Width(Kind kind, int version, int bytes, int vocabulary) {
      this.kind = kind;
      this.version = version;
      this.bytes = bytes;
      this.vocabulary = vocabulary;
    }

    static Width of(Kind kind) {
      return kind == GPT2.kind ? GPT2 : LLAMA3;
    }
  }

  /** One file; {@code first} is the place of its first token in the whole sequence. */
  private record Shard(
      Path file, Width width, int vocabulary, boolean noted, long first, long length) {
    long end() {
      return first + length;
    }
  }

  private final String name;
  private final List<Shard> shards;
  private final String fingerprint;

  /** Least recently used first; a data set can have more files than a process may open. */
  private final Map<Shard, InputFile> open = new LinkedHashMap<>(16, 0.75f, true);

  private final ByteBuffer buffer = ByteBuffer.allocateDirect(CHUNK).order(ByteOrder.LITTLE_ENDIAN);

  private TokenShards(String name, List<Shard> shards, String fingerprint) {
    this.name = name;
    this.shards = List.copyOf(shards);
    this.fingerprint = fingerprint;
  }

  /**
   * Opens the file at a path, or all that match a pattern such as {@code data/train_*.bin}.
   *
   * @throws Failure when there are none, or one is no token file or not of the size it says
   */
  public static TokenShards open(String pattern) {
    List<Shard> shards = new ArrayList<>();
    Fingerprint fingerprint = new Fingerprint();
    long first = 0;
    for (Path path : CorpusFiles.matching(pattern)) {
      try (InputFile file = InputFile.open(path)) {
        Shard shard = shard(file, first);
        if (!shards.isEmpty() && shards.getFirst().width() != shard.width()) {
          throw Failure.failed(
              "%s has ids of %d bytes and %s of %d; give shards of one kind"
                  .formatted(
                      shards.getFirst().file(),
                      shards.getFirst().width().bytes,
                      path,
                      shard.width().bytes));
        }
        shards.add(shard);
        first = shard.end();
        identify(fingerprint, file);
      }
    }
    return new TokenShards(pattern, shards, fingerprint.hex());
  }

  private static Shard shard(InputFile file, long first) {
    LlmcHeader header = LlmcHeader.read(file, Kind.TOKENS_16, Kind.TOKENS_32);
    Width width = Width.of(header.kind());
    if (header.version() != width.version) {
      throw header.bad("its version is " + header.version() + "; expected " + width.version);
    }
    long length = header.positive(LENGTH_AT, "the number of tokens");
    long expected = LlmcHeader.BYTES + length * width.bytes;
    if (file.size() != expected) {
      throw header.bad(
          "it has %d bytes; expected %d for %d tokens of %d bytes; copy it again"
              .formatted(file.size(), expected, length, width.bytes));
    }
    int noted = header.get(VOCABULARY_AT);
    int vocabulary = noted > 0 ? noted : width.vocabulary;
    return new Shard(file.path(), width, vocabulary, noted > 0, first, length);
  }

  /** Name, size, and both ends of the content: a whole data set would take minutes to read. */
  private static void identify(Fingerprint fingerprint, InputFile file) {
    int n = (int) Math.min(CHUNK, file.size());
    ByteBuffer ends = ByteBuffer.allocate(2 * n);
    file.read(0, ends.limit(n));
    file.read(file.size() - n, ends.limit(2 * n));
    fingerprint.add(file.path().getFileName().toString()).add(file.size()).add(ends.flip());
  }

  @Override
  public String description() {
    return "%s, %d token shard%s, %d tokens"
        .formatted(name, shards.size(), shards.size() == 1 ? "" : "s", length());
  }

  @Override
  public long length() {
    return shards.getLast().end();
  }

  @Override
  public void read(long from, int[] into, int offset, int count) {
    Objects.checkFromIndexSize(from, count, length());
    Objects.checkFromIndexSize(offset, count, into.length);
    int done = 0;
    while (done < count) {
      Shard shard = shardAt(from + done);
      int perChunk = buffer.capacity() / shard.width().bytes;
      long left = shard.end() - from - done;
      int n = (int) Math.min(left, Math.min(perChunk, count - done));
      readChunk(shard, from + done - shard.first(), into, offset + done, n);
      done += n;
    }
  }

  private void readChunk(Shard shard, long from, int[] into, int offset, int n) {
    int bytes = shard.width().bytes;
    buffer.clear().limit(n * bytes);
    opened(shard).read(LlmcHeader.BYTES + from * bytes, buffer);
    buffer.flip();
    for (int i = 0; i < n; i++) {
      into[offset + i] =
          bytes == Short.BYTES ? Short.toUnsignedInt(buffer.getShort()) : buffer.getInt();
    }
  }

  private Shard shardAt(long position) {
    int low = 0;
    int high = shards.size() - 1;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (position < shards.get(middle).end()) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return shards.get(low);
  }

  private InputFile opened(Shard shard) {
    InputFile file = open.get(shard);
    if (file == null) {
      if (open.size() == MAXIMUM_OPEN) {
        open.remove(open.keySet().iterator().next()).close();
      }
      file = InputFile.open(shard.file());
      open.put(shard, file);
    }
    return file;
  }

  @Override
  public int vocabulary() {
    return shards.stream().mapToInt(Shard::vocabulary).max().orElseThrow();
  }

  /**
   * Refuses tokens that another tokenizer made, as far as the shards tell: by the vocabulary that
   * they note, and by the first of their ids.
   *
   * @throws Failure when they are another's
   */
  public void requireMadeWith(Tokenizer tokenizer) {
    for (Shard shard : shards) {
      if (shard.noted() && shard.vocabulary() != tokenizer.vocabularySize()) {
        throw Failure.usage(
            "%s was made with a tokenizer of %d tokens, and %s has %d; give the tokenizer that made it with %s"
                .formatted(
                    shard.file(),
                    shard.vocabulary(),
                    tokenizer.name(),
                    tokenizer.vocabularySize(),
                    setting("tokenizer")));
      }
    }
    int[] first = new int[(int) Math.min(CHUNK, length())];
    read(0, first, 0, first.length);
    for (int i = 0; i < first.length; i++) {
      if (Integer.compareUnsigned(first[i], tokenizer.vocabularySize()) >= 0) {
        throw Failure.usage(
            "%s is %s, and %s has %d tokens; give the tokenizer that made it with %s"
                .formatted(
                    place(i),
                    Integer.toUnsignedString(first[i]),
                    tokenizer.name(),
                    tokenizer.vocabularySize(),
                    setting("tokenizer")));
      }
    }
  }

  @Override
  public String place(long position) {
    Shard shard = shardAt(position);
    return "token " + (position - shard.first()) + " of " + shard.file();
  }

  @Override
  public String fingerprint() {
    return fingerprint;
  }

  @Override
  public void close() {
    open.values().forEach(InputFile::close);
    open.clear();
  }

  /**
   * Writes {@code tokens} as one shard: beside, fsynced, renamed.
   *
   * @throws Failure when it cannot be written, or has 2^31 tokens or more
   */
  public static void write(Path file, TokenSource tokens) {
    if (tokens.length() < 1 || tokens.length() > Integer.MAX_VALUE) {
      throw Failure.failed(
          "%s cannot hold %d tokens; expected 1 to %d; write several shards"
              .formatted(file, tokens.length(), Integer.MAX_VALUE));
    }
    DurableFile.write(file, new Writer(file, tokens));
  }

  /** The content of a shard. */
  private record Writer(Path file, TokenSource tokens) implements FileWriter {
    private Width width() {
      return tokens.vocabulary() <= 1 << Short.SIZE ? Width.GPT2 : Width.LLAMA3;
    }

    @Override
    public long bytes() {
      return LlmcHeader.BYTES + tokens.length() * width().bytes;
    }

    @Override
    public void writeTo(WritableByteChannel out) throws IOException {
      Width width = width();
      int length = (int) tokens.length();
      WholeBuffer.write(
          out, LlmcHeader.bytes(width.kind, width.version, length, tokens.vocabulary()));
      int[] ids = new int[CHUNK];
      ByteBuffer bytes =
          ByteBuffer.allocateDirect(CHUNK * width.bytes).order(ByteOrder.LITTLE_ENDIAN);
      for (long from = 0; from < length; from += CHUNK) {
        int n = (int) Math.min(CHUNK, length - from);
        tokens.read(from, ids, 0, n);
        bytes.clear();
        for (int i = 0; i < n; i++) {
          put(bytes, width, ids[i], from + i);
        }
        WholeBuffer.write(out, bytes.flip());
      }
    }

    private void put(ByteBuffer bytes, Width width, int id, long position) {
      if (id < 0 || id >= tokens.vocabulary()) {
        throw Failure.failed(
            "%s is %s, outside the vocabulary of %d; %s was not written"
                .formatted(
                    tokens.place(position),
                    Integer.toUnsignedString(id),
                    tokens.vocabulary(),
                    file));
      }
      if (width == Width.GPT2) {
        bytes.putShort((short) id);
      } else {
        bytes.putInt(id);
      }
    }
  }
}
