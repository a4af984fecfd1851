package dev.anneal.data;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.failure.Failure;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * The characters of a text file, as one expects them, whatever made the file: uncompressed, without
 * a byte order mark, decoded from UTF-8, or from UTF-16 where a mark says so, and with line feeds
 * in place of CR LF. What is no text fails with the byte where that shows. A NUL is no text: it is
 * what the byte tokenizer ends a document with.
 */
final class TextStream extends Reader {
  private static final int BUFFER = 1 << 16;
  private static final int MARK_BYTES = 4;

  private final Path file;
  private final boolean compressed;
  private final InputStream in;
  private final CharsetDecoder decoder;
  private final ByteBuffer bytes = ByteBuffer.allocate(BUFFER);
  private final CharBuffer characters = CharBuffer.allocate(BUFFER);

  /** Where the first byte in {@link #bytes} stands in the uncompressed file. */
  private long bytesFrom;

  private boolean ended;
  private boolean returnPending;
  private boolean changed;

  private TextStream(Path file, boolean compressed, InputStream in) throws IOException {
    this.file = file;
    this.compressed = compressed;
    this.in = in;
    fill();
    this.decoder = decoder();
    characters.flip();
  }

  /**
   * Opens a text file, which may be compressed by gzip.
   *
   * @param raw the file's bytes; closed with this
   * @throws Failure when it cannot be read or is of a known kind that is no text
   */
  static TextStream open(Path file, InputStream raw) {
    try {
      BufferedInputStream in = new BufferedInputStream(raw, BUFFER);
      in.mark(FileKind.BYTES);
      byte[] first = in.readNBytes(FileKind.BYTES);
      in.reset();
      boolean compressed = FileKind.isGzip(first);
      if (!compressed) {
        FileKind.of(first).ifPresent(kind -> refuse(file, kind));
      }
      return new TextStream(file, compressed, compressed ? new GZIPInputStream(in, BUFFER) : in);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static void refuse(Path file, String kind) {
    throw Failure.failed(file + " is " + kind + ", no text; " + CorpusFiles.WHAT_THERE_IS);
  }

  private static Failure unreadable(Path file, IOException e) {
    if (e instanceof ZipException || e instanceof java.io.EOFException) {
      return Failure.failed(
          file + " is damaged or was cut: its gzip data ends or breaks; copy it again");
    }
    return FileFailures.cannotRead(file, e);
  }

  private CharsetDecoder decoder() {
    int b0 = byteAt(0);
    int b1 = byteAt(1);
    int b2 = byteAt(2);
    if (b0 == 0xEF && b1 == 0xBB && b2 == 0xBF) {
      skip(3);
      return StandardCharsets.UTF_8.newDecoder();
    }
    boolean wide = b0 == 0xFF && b1 == 0xFE && b2 == 0 && byteAt(3) == 0;
    if (wide || b0 == 0 && b1 == 0 && b2 == 0xFE && byteAt(3) == 0xFF) {
      throw Failure.failed(
          file + " is UTF-32, by its byte order mark; convert it: iconv -f UTF-32 -t UTF-8");
    }
    if (b0 == 0xFF && b1 == 0xFE) {
      skip(2);
      return StandardCharsets.UTF_16LE.newDecoder();
    }
    if (b0 == 0xFE && b1 == 0xFF) {
      skip(2);
      return StandardCharsets.UTF_16BE.newDecoder();
    }
    return StandardCharsets.UTF_8.newDecoder();
  }

  private int byteAt(int index) {
    return index < bytes.remaining() ? Byte.toUnsignedInt(bytes.get(index)) : -1;
  }

  private void skip(int count) {
    bytes.position(count);
    changed = true;
  }

  /** Whether the characters so far are other than the file's bytes as UTF-8. */
  boolean changed() {
    return changed || compressed;
  }

  /** Moves what is left to the beginning and reads more behind it. */
  private void fill() throws IOException {
    bytesFrom += bytes.position();
    if (bytesFrom > 0 || bytes.position() > 0) {
      bytes.compact();
    }
    while (bytes.hasRemaining()) {
      int n = in.read(bytes.array(), bytes.position(), bytes.remaining());
      if (n < 0) {
        ended = true;
        break;
      }
      bytes.position(bytes.position() + n);
    }
    bytes.flip();
  }

  @Override
  public int read(char[] into, int offset, int count) {
    int n = 0;
    while (n == 0 && count > 0) {
      if (!characters.hasRemaining() && !decode()) {
        return -1;
      }
      n = copy(into, offset, count);
    }
    return n;
  }

  /** Copies decoded characters, CR LF as one. */
  private int copy(char[] into, int offset, int count) {
    int n = 0;
    while (n < count && characters.hasRemaining()) {
      char c = characters.get();
      if (returnPending) {
        returnPending = false;
        if (c == '\n') {
          changed = true;
        } else {
          characters.position(characters.position() - 1);
          c = '\r';
        }
      } else if (c == '\r' && mayBeFollowed()) {
        returnPending = true;
        continue;
      }
      into[offset + n++] = c;
    }
    return n;
  }

  private boolean mayBeFollowed() {
    return characters.hasRemaining() || bytes.hasRemaining() || !ended;
  }

  /** Decodes more; false at the end. */
  private boolean decode() {
    try {
      characters.clear();
      while (characters.position() == 0) {
        if (!ended && bytes.remaining() < MARK_BYTES) {
          fill();
        }
        if (ended && !bytes.hasRemaining()) {
          return lastReturn();
        }
        int from = bytes.position();
        CoderResult result = decoder.decode(bytes, characters, ended);
        if (result.isError()) {
          throw malformed();
        }
        refuseNul(from);
      }
      characters.flip();
      return true;
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /** A CR that nothing follows. */
  private boolean lastReturn() {
    characters.flip();
    if (returnPending) {
      returnPending = false;
      characters.clear();
      characters.put('\r').flip();
      return true;
    }
    return false;
  }

  private Failure malformed() {
    String bad =
        decoder.charset().equals(StandardCharsets.UTF_8)
            ? " is 0x%02x".formatted(byteAtPosition())
            : " is half a character";
    return Failure.failed(
        "%s is not %s text: byte %d%s%s; convert it, or give token shards with a name that ends in .bin"
            .formatted(
                file,
                decoder.charset().name(),
                bytesFrom + bytes.position(),
                bad,
                compressed ? " (uncompressed)" : ""));
  }

  private int byteAtPosition() {
    return Byte.toUnsignedInt(bytes.get(bytes.position()));
  }

  private void refuseNul(int from) {
    char[] array = characters.array();
    for (int i = 0; i < characters.position(); i++) {
      if (array[i] == 0) {
        throw Failure.failed(
            "%s is no text: %s is NUL; if it is UTF-16 without a byte order mark, convert it: iconv -f UTF-16LE -t UTF-8"
                .formatted(file, placeOfNul(from)));
      }
    }
  }

  private String placeOfNul(int from) {
    int unit = decoder.charset().equals(StandardCharsets.UTF_8) ? 1 : 2;
    for (int i = from; i + unit <= bytes.position(); i += unit) {
      if (bytes.get(i) == 0 && bytes.get(i + unit - 1) == 0) {
        return "byte " + (bytesFrom + i) + (compressed ? " (uncompressed)" : "");
      }
    }
    return "a character";
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
