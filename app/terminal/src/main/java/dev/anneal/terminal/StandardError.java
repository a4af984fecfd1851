package dev.anneal.terminal;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;

/**
 * Standard error. The launcher hides what the JVM and native libraries write to descriptor 2, and
 * keeps the real stream at the descriptor that {@code -Danneal.stderr} names.
 */
final class StandardError {
  private StandardError() {}

  /** The real stream, which {@link System#err} becomes, too. */
  static OutputStream open() {
    int kept = Integer.getInteger("anneal.stderr", 2);
    if (kept == 2) {
      return new FileOutputStream(FileDescriptor.err);
    }
    OutputStream stream = new Descriptor(kept);
    System.setErr(new PrintStream(stream, true));
    return stream;
  }
}
