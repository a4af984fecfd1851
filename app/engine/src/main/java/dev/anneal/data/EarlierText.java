package dev.anneal.data;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.failure.Failure;
import dev.anneal.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Text as runs read it whose checkpoints have no rules for it: byte for byte, in memory, cut behind
 * every empty line. They go on with the same tokens.
 */
public final class EarlierText {
  private static final long MAXIMUM_BYTES = 1 << 29;

  private EarlierText() {}

  /**
   * The tokens of a text file.
   *
   * @throws Failure when it cannot be read, is empty, too large or not UTF-8
   */
  public static TextTokens read(Path file, Tokenizer tokenizer) {
    return TextTokens.of(file.toString(), sections(text(file)), tokenizer);
  }

  static List<String> sections(String text) {
    List<String> sections = new ArrayList<>();
    int start = 0;
    for (int at = text.indexOf("\n\n"); at >= 0; at = text.indexOf("\n\n", start)) {
      sections.add(text.substring(start, at + 2));
      start = at + 2;
    }
    sections.add(text.substring(start));
    return sections;
  }

  private static String text(Path file) {
    long size = FileFailures.sizeOfRegularFile(file);
    if (size == 0) {
      throw Failure.failed(file + " is empty; give a file with text");
    }
    if (size > MAXIMUM_BYTES) {
      throw Failure.failed(
          file
              + " has "
              + size
              + " bytes, more than the "
              + MAXIMUM_BYTES
              + " that are held in memory; split it and prepare the parts as token shards");
    }
    try {
      return decode(file, Files.readAllBytes(file));
    } catch (IOException e) {
      throw FileFailures.cannotRead(file, e);
    }
  }

  private static String decode(Path file, byte[] utf8) {
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    ByteBuffer in = ByteBuffer.wrap(utf8);
    CharBuffer checked = CharBuffer.allocate(1 << 16);
    CoderResult result;
    do {
      result = decoder.decode(in, checked.clear(), true);
    } while (result.isOverflow());
    if (result.isError()) {
      throw Failure.failed(
          file
              + " is not UTF-8 text: byte "
              + in.position()
              + " is 0x"
              + "%02x".formatted(utf8[in.position()])
              + "; convert it, or give token shards with a name that ends in .bin");
    }
    return new String(utf8, StandardCharsets.UTF_8);
  }
}
