package dev.anneal.terminal;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Optional;

/**
 * Standard output, and what became of what was written there. That nobody reads any more, as after
 * {@code | head -1}, is no failure; that a disk is full is one.
 */
final class StandardOutput extends OutputStream {
  private final OutputStream stream = new FileOutputStream(FileDescriptor.out);
  private final Descriptor descriptor = new Descriptor(1);
  private volatile boolean readerIsGone;
  private volatile Optional<String> lost = Optional.empty();

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    try {
      stream.write(bytes, offset, length);
    } catch (IOException e) {
      if (readerIsGone || descriptor.readerIsGone()) {
        readerIsGone = true;
      } else {
        lost = lost.or(() -> Optional.of(String.valueOf(e.getMessage())));
      }
      throw e;
    }
  }

  /** Whether a write failed because nobody reads any more. */
  boolean readerIsGone() {
    return readerIsGone;
  }

  /** Why something that was written did not arrive, although somebody would read it. */
  Optional<String> lost() {
    return lost;
  }
}
