package dev.anneal.terminal;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Takes standard error back: the launcher hides what the JVM itself prints while it boots, and
 * keeps the real stream at the descriptor that {@code -Danneal.stderr} names.
 */
final class StandardError {
  private StandardError() {}

  static void restore() {
    int kept = Integer.getInteger("anneal.stderr", 2);
    if (kept == 2) {
      return;
    }
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
