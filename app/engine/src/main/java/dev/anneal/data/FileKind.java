package dev.anneal.data;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/** Kinds of files that are no text, by the bytes they begin with. */
enum FileKind {
  ZSTANDARD("compressed by zstd", 0x28, 0xB5, 0x2F, 0xFD),
  XZ("compressed by xz", 0xFD, '7', 'z', 'X', 'Z'),
  BZIP2("compressed by bzip2", 'B', 'Z', 'h'),
  ZIP("a zip archive (or an office document)", 'P', 'K', 3, 4),
  PARQUET("a Parquet file", 'P', 'A', 'R', '1'),
  ARROW("an Arrow file", 'A', 'R', 'R', 'O', 'W', '1'),
  PDF("a PDF", '%', 'P', 'D', 'F', '-'),
  NUMPY("a NumPy file", 0x93, 'N', 'U', 'M', 'P', 'Y'),
  PNG("a PNG", 0x89, 'P', 'N', 'G'),
  JPEG("a JPEG", 0xFF, 0xD8, 0xFF),
  ELF("a program", 0x7F, 'E', 'L', 'F'),
  SQLITE("a SQLite database", "SQLite format 3".chars().toArray()),
  TOKENS_16("token shards, whose names must end in .bin", shardMagic(20240520)),
  TOKENS_32("token shards, whose names must end in .bin", shardMagic(20240801));

  /** The bytes at the start of a file that tell its kind. */
  static final int BYTES = 16;

  private final String words;
  private final byte[] magic;

  FileKind(String words, int... magic) {
    this.words = words;
    this.magic = new byte[magic.length];
    for (int i = 0; i < magic.length; i++) {
      this.magic[i] = (byte) magic[i];
    }
  }

  private static int[] shardMagic(int number) {
    byte[] bytes =
        ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(number).array();
    int[] magic = new int[bytes.length];
    Arrays.setAll(magic, i -> bytes[i]);
    return magic;
  }

  static boolean isGzip(byte[] first) {
    return first.length > 2 && first[0] == 0x1F && first[1] == (byte) 0x8B;
  }

  /** Words for the kind of file that begins with {@code first}; empty when it may be text. */
  static Optional<String> of(byte[] first) {
    for (FileKind kind : values()) {
      int n = kind.magic.length;
      if (first.length >= n && Arrays.equals(kind.magic, Arrays.copyOf(first, n))) {
        return Optional.of(kind.words);
      }
    }
    return Optional.empty();
  }

  /**
   * Whether bytes from the beginning of a file look like text: no NUL, and UTF-8 so far.
   *
   * @param all whether the file has no more
   */
  static boolean looksLikeText(byte[] first, boolean all) {
    if (of(first).isPresent()) {
      return false;
    }
    boolean marked =
        first.length > 1
            && (first[0] == (byte) 0xFF && first[1] == (byte) 0xFE
                || first[0] == (byte) 0xFE && first[1] == (byte) 0xFF);
    return marked || !hasNul(first) && isUtf8(first, all);
  }

  private static boolean hasNul(byte[] bytes) {
    for (byte b : bytes) {
      if (b == 0) {
        return true;
      }
    }
    return false;
  }

  private static boolean isUtf8(byte[] bytes, boolean all) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length + 1);
    return !StandardCharsets.UTF_8.newDecoder().decode(in, out, all).isError();
  }
}
