package dev.anneal.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/** Writes the content of one file, in pieces, so that a large file needs no memory of its size. */
public interface FileWriter {

  /** How many bytes {@link #writeTo} writes. */
  long bytes();

  void writeTo(WritableByteChannel out) throws IOException;

  /** Writes {@code content}, which is in memory already. */
  static FileWriter of(byte[] content) {
    return new FileWriter() {
      @Override
      public long bytes() {
        return content.length;
      }

      @Override
      public void writeTo(WritableByteChannel out) throws IOException {
        WholeBuffer.write(out, ByteBuffer.wrap(content));
      }
    };
  }
}
