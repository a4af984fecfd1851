package dev.anneal.data;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.InputFile;
import dev.anneal.checkpoint.WholeBuffer;
import dev.anneal.failure.Failure;
import dev.anneal.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Optional;

/** A text's tokens on disk: a header, then the ids as {@link PackedTokens} has them. */
final class TokenFile {
  private static final byte[] MAGIC = "ANNEAL-TOKENS-1\n".getBytes(StandardCharsets.US_ASCII);
  private static final int HEADER = 128;
  private static final int FINGERPRINT = 32;
  private static final int BUFFER = 1 << 20;

  private TokenFile() {}

  /**
   * What a header says.
   *
   * @param tokens how many there are
   * @param documents how many begin in them
   */
  record Header(int width, long tokens, long documents, String fingerprint) {
    private ByteBuffer bytes() {
      ByteBuffer bytes = ByteBuffer.allocate(HEADER).put(MAGIC).putInt(width);
      return bytes
          .putLong(tokens)
          .putLong(documents)
          .put(fingerprint.getBytes(StandardCharsets.US_ASCII))
          .clear();
    }

    /** Empty when the file is none that was written to its end. */
    private static Optional<Header> read(InputFile file) {
      if (file.size() < HEADER) {
        return Optional.empty();
      }
      ByteBuffer bytes = ByteBuffer.allocate(HEADER);
      file.read(0, bytes);
      byte[] magic = new byte[MAGIC.length];
      bytes.flip().get(magic);
      int width = bytes.getInt();
      long tokens = bytes.getLong();
      long documents = bytes.getLong();
      byte[] fingerprint = new byte[FINGERPRINT];
      bytes.get(fingerprint);
      boolean whole = Arrays.equals(magic, MAGIC) && file.size() == HEADER + tokens * width;
      return whole
          ? Optional.of(
              new Header(
                  width, tokens, documents, new String(fingerprint, StandardCharsets.US_ASCII)))
          : Optional.empty();
    }
  }

  /** A file that was written to its end, as a corpus; empty for any other. */
  static Optional<TextCorpus> open(Path path, String name, Tokenizer tokenizer) {
    InputFile file = InputFile.open(path);
    Optional<Header> header =
        Header.read(file).filter(h -> h.width() == PackedTokens.width(tokenizer.vocabularySize()));
    if (header.isEmpty()) {
      file.close();
      return Optional.empty();
    }
    Header h = header.get();
    return Optional.of(
        new TextCorpus(
            new FileTokens(
                name,
                file,
                HEADER,
                h.width(),
                0,
                tokenizer.endOfText(),
                tokenizer.vocabularySize(),
                h.tokens(),
                h.fingerprint()),
            h.documents()));
  }

  /** Writes one from its beginning to its end. */
  static final class Writer implements TokenSink, AutoCloseable {
    private final Path path;
    private final FileChannel channel;
    private final Tokenizer tokenizer;
    private final int width;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER);
    private long tokens;

    Writer(Path path, Tokenizer tokenizer) throws IOException {
      this.path = path;
      this.tokenizer = tokenizer;
      this.width = PackedTokens.width(tokenizer.vocabularySize());
      this.channel =
          FileChannel.open(
              path,
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE);
      buffer.put(new byte[HEADER]);
    }

    @Override
    public void add(int... ids) {
      for (int id : ids) {
        if (buffer.remaining() < width) {
          drain();
        }
        PackedTokens.put(buffer, width, id);
      }
      tokens += ids.length;
    }

    private void drain() {
      try {
        WholeBuffer.write(channel, buffer.flip());
        buffer.clear();
      } catch (IOException e) {
        throw cannotWrite(e);
      }
    }

    private Failure cannotWrite(IOException e) {
      Failure failure = FileFailures.cannotWrite(path, e);
      return new Failure(
          failure.exitCode(),
          failure.unspelled()
              + "; the tokens of a large text need that much disk once: make room, or set"
              + " XDG_CACHE_HOME to a folder that has it",
          e);
    }

    /** Writes the header, with the fingerprint of all tokens, and has all of it on the disk. */
    void finish(long documents) {
      drain();
      try {
        Fingerprint fingerprint = TextTokens.fingerprint(tokenizer, tokens);
        long end = HEADER + tokens * width;
        for (long at = HEADER; at < end; at += buffer.capacity()) {
          buffer.clear().limit((int) Math.min(buffer.capacity(), end - at));
          while (buffer.hasRemaining()) {
            if (channel.read(buffer, at + buffer.position()) < 0) {
              throw new IOException("it was cut while being written");
            }
          }
          fingerprint.add(buffer.flip());
        }
        ByteBuffer header = new Header(width, tokens, documents, fingerprint.hex()).bytes();
        while (header.hasRemaining()) {
          channel.write(header, header.position());
        }
        channel.force(true);
      } catch (IOException e) {
        throw cannotWrite(e);
      }
    }

    @Override
    public void close() {
      try {
        channel.close();
      } catch (IOException e) {
        throw cannotWrite(e);
      }
    }
  }
}
