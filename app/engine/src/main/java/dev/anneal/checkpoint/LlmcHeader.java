package dev.anneal.checkpoint;

import dev.anneal.failure.Failure;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * What every file of llm.c begins with: 256 little-endian int32, of which the first tells what the
 * file holds and the second the version of its layout.
 *
 * @param file to name in failures
 */
public record LlmcHeader(Path file, int[] ints) {
  public static final int INTS = 256;
  public static final int BYTES = INTS * Integer.BYTES;

  /** The kinds of files, by their first integer. */
  public enum Kind {
    MODEL(20240326, "a model checkpoint"),
    DEBUG_STATE(20240327, "a debug state"),
    TOKENIZER(20240328, "a tokenizer"),
    TOKENS_16(20240520, "tokens of 16 bits"),
    HELLASWAG(20240522, "an evaluation set"),
    TRAINING_STATE(20240527, "a training state"),
    TOKENS_32(20240801, "tokens of 32 bits");

    private final int magic;
    private final String words;

    Kind(int magic, String words) {
      this.magic = magic;
      this.words = words;
    }

    public int magic() {
      return magic;
    }
  }

  /**
   * Reads the header and checks that the file is of one of the {@code expected} kinds.
   *
   * @throws Failure when it is not
   */
  public static LlmcHeader read(InputFile file, Kind... expected) {
    if (file.size() < BYTES) {
      throw Failure.failed(
          file + " has " + file.size() + " bytes, fewer than the " + BYTES + " of an llm.c header");
    }
    ByteBuffer bytes = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    file.read(0, bytes);
    int[] ints = new int[INTS];
    bytes.flip().asIntBuffer().get(ints);
    LlmcHeader header = new LlmcHeader(file.path(), ints);
    if (Arrays.stream(expected).noneMatch(kind -> kind.magic == ints[0])) {
      throw header.bad(
          "its first integer is "
              + ints[0]
              + header.meaning()
              + "; expected "
              + String.join(
                  " or ", Arrays.stream(expected).map(k -> k.magic + ", " + k.words).toList()));
    }
    return header;
  }

  private String meaning() {
    for (Kind kind : Kind.values()) {
      if (ints[0] == kind.magic) {
        return ", " + kind.words;
      }
      if (Integer.reverseBytes(ints[0]) == kind.magic) {
        return ", " + kind.words + " with its bytes in big-endian order";
      }
    }
    return "";
  }

  public Kind kind() {
    return Arrays.stream(Kind.values()).filter(k -> k.magic == ints[0]).findFirst().orElseThrow();
  }

  public int version() {
    return ints[1];
  }

  public int get(int i) {
    return ints[i];
  }

  /** The integer at {@code i}, which must be at least 1. */
  public int positive(int i, String what) {
    if (ints[i] < 1) {
      throw bad(what + " is " + ints[i] + "; expected at least 1");
    }
    return ints[i];
  }

  /** The failure that says what is wrong with this file. */
  public Failure bad(String what) {
    return Failure.failed("cannot use " + file + ": " + what);
  }

  /** A header to write, with zeros behind what is given. */
  public static ByteBuffer bytes(Kind kind, int version, int... rest) {
    ByteBuffer bytes = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(kind.magic).putInt(version);
    Arrays.stream(rest).forEach(bytes::putInt);
    return bytes.rewind();
  }
}
