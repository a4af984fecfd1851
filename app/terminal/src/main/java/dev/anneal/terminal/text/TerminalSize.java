package dev.anneal.terminal.text;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** How large a terminal is, in cells. */
public record TerminalSize(int columns, int rows) {
  /** What a terminal has when nobody says. */
  public static final TerminalSize USUAL = new TerminalSize(80, 24);

  private static final int MOST = 10_000;

  /** {@code struct winsize}: rows, columns and two sizes in pixels, 16 bits each. */
  private static final long WINSIZE_BYTES = 8;

  /**
   * The size of the terminal on a descriptor, as it is now; where that is none, what {@code
   * COLUMNS} and {@code LINES} say. Empty when neither does.
   */
  public static Optional<TerminalSize> of(int descriptor, Map<String, String> environment) {
    Optional<TerminalSize> asked =
        Streams.isTerminal(descriptor) ? ask(own(descriptor)) : Optional.empty();
    return asked.or(() -> said(environment));
  }

  /** Standard error is where the launcher has put it. */
  private static int own(int descriptor) {
    return descriptor == 2 ? Integer.getInteger("anneal.stderr", 2) : descriptor;
  }

  /** What the environment says; a half is filled up with what is usual. */
  public static Optional<TerminalSize> said(Map<String, String> environment) {
    Optional<Integer> columns = number(environment.getOrDefault("COLUMNS", ""));
    Optional<Integer> rows = number(environment.getOrDefault("LINES", ""));
    return columns.isEmpty() && rows.isEmpty()
        ? Optional.empty()
        : Optional.of(new TerminalSize(columns.orElse(USUAL.columns), rows.orElse(USUAL.rows)));
  }

  private static Optional<Integer> number(String text) {
    return Optional.of(text)
        .filter(t -> t.matches("[0-9]{1,5}"))
        .map(Integer::parseInt)
        .filter(n -> n > 0 && n <= MOST);
  }

  /** Asks the system; empty where a terminal does not know its size, as a serial line's. */
  private static Optional<TerminalSize> ask(int descriptor) {
    if (Ioctl.CALL.isEmpty()) {
      return Optional.empty();
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment size = arena.allocate(WINSIZE_BYTES);
      int failed = (int) Ioctl.CALL.get().invokeExact(descriptor, Ioctl.GET_SIZE, size);
      int rows = Short.toUnsignedInt(size.get(ValueLayout.JAVA_SHORT, 0));
      int columns = Short.toUnsignedInt(size.get(ValueLayout.JAVA_SHORT, 2));
      return failed != 0 || rows == 0 || columns == 0
          ? Optional.empty()
          : Optional.of(new TerminalSize(Math.min(columns, MOST), Math.min(rows, MOST)));
    } catch (Throwable e) {
      throw new IllegalStateException("ioctl(" + descriptor + ") failed", e);
    }
  }

  /** Linked when it is needed first: a pipe needs it never. */
  private static final class Ioctl {
    /** {@code TIOCGWINSZ}. */
    static final long GET_SIZE =
        System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("linux")
            ? 0x5413
            : 0x40087468;

    static final Optional<MethodHandle> CALL =
        Linker.nativeLinker()
            .defaultLookup()
            .find("ioctl")
            .map(
                address ->
                    Linker.nativeLinker()
                        .downcallHandle(
                            address,
                            FunctionDescriptor.of(
                                ValueLayout.JAVA_INT,
                                ValueLayout.JAVA_INT,
                                ValueLayout.JAVA_LONG,
                                ValueLayout.ADDRESS),
                            Linker.Option.firstVariadicArg(2)));
  }
}
