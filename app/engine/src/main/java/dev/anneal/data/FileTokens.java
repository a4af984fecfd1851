package dev.anneal.data;

import dev.anneal.checkpoint.InputFile;
import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * Tokens in a file, read where they are when they are wanted, so that a corpus of any size takes no
 * memory. The file is not mapped: see {@link InputFile}.
 *
 * @param base the byte at which the token after the first {@code ends} stands
 * @param width bytes of a token
 * @param ends 1 if an end of text stands before the file's first token, else 0
 */
record FileTokens(
    String name,
    InputFile file,
    long base,
    int width,
    int ends,
    int endOfText,
    int vocabulary,
    long length,
    String fingerprint)
    implements TokenSource {
  private static final int CHUNK = 1 << 16;

  @Override
  public String description() {
    return name;
  }

  @Override
  public void read(long from, int[] into, int offset, int count) {
    Objects.checkFromIndexSize(from, count, length);
    Objects.checkFromIndexSize(offset, count, into.length);
    int done = 0;
    if (from < ends && count > 0) {
      into[offset] = endOfText;
      done = 1;
    }
    ByteBuffer buffer = ByteBuffer.allocate(Math.min(CHUNK, count) * width);
    while (done < count) {
      int n = Math.min(CHUNK, count - done);
      file.read(base + (from + done - ends) * width, buffer.clear().limit(n * width));
      buffer.flip();
      for (int i = 0; i < n; i++) {
        into[offset + done + i] = PackedTokens.get(buffer, width);
      }
      done += n;
    }
  }

  @Override
  public String place(long position) {
    return "token " + position + " of " + name;
  }
}
