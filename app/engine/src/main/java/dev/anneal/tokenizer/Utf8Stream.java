package dev.anneal.tokenizer;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Joins bytes that arrive in pieces into whole characters: what {@link #accept} returns never ends
 * within one. Bytes that cannot be UTF-8 become U+FFFD.
 */
public final class Utf8Stream {
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .onUnmappableCharacter(CodingErrorAction.REPLACE);

  /** The bytes of a character that has only begun: at most three. */
  private byte[] begun = new byte[0];

  /** The characters that {@code bytes} complete; empty when they complete none. */
  public String accept(byte[] bytes) {
    return decode(bytes, false);
  }

  /** U+FFFD if the bytes so far end within a character, else nothing; then starts anew. */
  public String flush() {
    String rest = decode(new byte[0], true);
    decoder.reset();
    return rest;
  }

  private String decode(byte[] bytes, boolean end) {
    ByteBuffer in = ByteBuffer.allocate(begun.length + bytes.length).put(begun).put(bytes).flip();
    // No byte sequence decodes to more UTF-16 units than it has bytes.
    CharBuffer out = CharBuffer.allocate(in.remaining());
    decoder.decode(in, out, end);
    begun = new byte[in.remaining()];
    in.get(begun);
    return out.flip().toString();
  }
}
