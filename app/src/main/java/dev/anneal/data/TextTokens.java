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

/** Text in memory, as tokens, with the end of text before each document. */
public final class TextTokens implements TokenSource {
  /** More text than this should be prepared as shards, which need no memory. */
  private static final long MAXIMUM_BYTES = 1 << 29;

  /** What of a text is one document. */
  public enum Documents {
    /** All of it. */
    WHOLE,
    /** What stands between empty lines, each with the empty line behind it, as llm.c does. */
    SECTIONS;

    List<String> of(String text) {
      return switch (this) {
        case WHOLE -> List.of(text);
        case SECTIONS -> sections(text);
      };
    }

    private static List<String> sections(String text) {
      List<String> sections = new ArrayList<>();
      int start = 0;
      for (int at = text.indexOf("\n\n"); at >= 0; at = text.indexOf("\n\n", start)) {
        sections.add(text.substring(start, at + 2));
        start = at + 2;
      }
      sections.add(text.substring(start));
      return sections;
    }
  }

  private final String name;
  private final Tokenizer tokenizer;
  private final PackedTokens tokens;
  private final String fingerprint;

  private TextTokens(String name, Tokenizer tokenizer, PackedTokens tokens) {
    this.name = name;
    this.tokenizer = tokenizer;
    this.tokens = tokens;
    this.fingerprint =
        new Fingerprint().add(tokenizer.name()).add(tokens.length()).add(tokens.content()).hex();
  }

  /** The tokens of some documents. */
  public static TextTokens of(String name, List<String> documents, Tokenizer tokenizer) {
    PackedTokens tokens = new PackedTokens(tokenizer.vocabularySize());
    for (String document : documents) {
      tokens.add(tokenizer.endOfText());
      tokens.add(tokenizer.encode(document));
    }
    tokens.trim();
    return new TextTokens(name, tokenizer, tokens);
  }

  /**
   * The tokens of a text file.
   *
   * @throws Failure when it cannot be read, is empty, too large or not UTF-8
   */
  public static TextTokens read(Path file, Documents documents, Tokenizer tokenizer) {
    return of(file.toString(), documents.of(text(file)), tokenizer);
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

  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public String description() {
    return name + ", " + length() + " " + tokenizer.name() + " tokens";
  }

  @Override
  public long length() {
    return tokens.length();
  }

  @Override
  public void read(long from, int[] into, int offset, int count) {
    tokens.read(from, into, offset, count);
  }

  @Override
  public int vocabulary() {
    return tokenizer.vocabularySize();
  }

  @Override
  public String place(long position) {
    return "token " + position + " of " + name;
  }

  @Override
  public String fingerprint() {
    return fingerprint;
  }
}
