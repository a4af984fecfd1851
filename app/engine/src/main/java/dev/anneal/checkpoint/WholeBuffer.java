package dev.anneal.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/** All of a buffer, whatever the operating system takes at a time. */
public final class WholeBuffer {

  private WholeBuffer() {}

  public static void write(WritableByteChannel out, ByteBuffer from) throws IOException {
    while (from.hasRemaining()) {
      out.write(from);
    }
  }
}
