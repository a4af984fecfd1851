package dev.anneal.terminal;

import java.io.FileDescriptor;
import java.io.FileNotFoundException;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

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
    try {
      // To append, since what is in a file already stays there.
      OutputStream stream = new FileOutputStream("/dev/fd/" + kept, true);
      System.setErr(new PrintStream(stream, true));
      return stream;
    } catch (FileNotFoundException e) {
      // A socket cannot be opened again.
      putBack(kept);
      return new FileOutputStream(FileDescriptor.err);
    }
  }

  private static void putBack(int kept) {
    Linker linker = Linker.nativeLinker();
    MemorySegment dup2 = linker.defaultLookup().findOrThrow("dup2");
    FunctionDescriptor type =
        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
    try {
      int result = (int) linker.downcallHandle(dup2, type).invokeExact(kept, 2);
      if (result != 2) {
        throw new IllegalStateException("dup2(" + kept + ", 2) gave " + result);
      }
    } catch (Throwable e) {
      throw new IllegalStateException("standard error cannot be restored", e);
    }
  }
}
