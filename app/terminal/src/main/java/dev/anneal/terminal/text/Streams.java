package dev.anneal.terminal.text;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** What the standard streams are connected to. */
public final class Streams {
  private Streams() {}

  /** Whether progress can be rewritten in place: standard error is a terminal that can do that. */
  public static boolean errorIsTerminal() {
    return !TerminalType.isDumb(System.getenv()) && isTerminal(2);
  }

  /** Whether a descriptor, 0 to 2 for the standard streams, is a terminal. */
  public static boolean isTerminal(int descriptor) {
    // The launcher has looked already, and its look costs nothing.
    return Optional.ofNullable(System.getProperty("anneal.terminals"))
        .map(found -> found.contains("" + descriptor))
        .orElseGet(() -> asksSystem(descriptor));
  }

  private static boolean asksSystem(int descriptor) {
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find("isatty")
        .map(
            address -> {
              try {
                return (int)
                        linker
                            .downcallHandle(
                                address,
                                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT))
                            .invokeExact(descriptor)
                    == 1;
              } catch (Throwable e) {
                throw new IllegalStateException("isatty(" + descriptor + ") failed", e);
              }
            })
        .orElse(false);
  }
}
