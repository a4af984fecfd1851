package dev.anneal.terminal.screen;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.terminal.dashboard.DashboardLoop;
import dev.anneal.terminal.text.Look;
import java.io.IOException;
import java.nio.charset.Charset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jline.utils.InfoCmp;
import org.jline.utils.InfoCmp.Capability;

/**
 * The terminal that the process runs on: JLine owns its settings, its signals and the only reader
 * of its keys; the full screen is drawn through {@link FullScreen}.
 */
public final class Tty implements AutoCloseable {
  private final Terminal terminal;
  private final Look look;

  private Tty(Terminal terminal, Look look) {
    this.terminal = terminal;
    this.look = look;
  }

  /** Opens the terminal; standard input and output must be one. */
  public static Tty open(Charset charset) {
    try {
      Terminal terminal = build(charset);
      Integer colors = terminal.getNumericCapability(Capability.max_colors);
      return new Tty(terminal, Look.of(System.getenv(), charset, colors == null ? 0 : colors));
    } catch (IOException e) {
      throw new Failure(ExitCode.FAILED, "the terminal cannot be opened: " + e.getMessage(), e);
    }
  }

  /** The native provider starts the fastest; the others are for machines that it does not know. */
  private static Terminal build(Charset charset) throws IOException {
    // What JLine knows of the terminal by heart, it need not ask another program.
    String type = System.getenv().getOrDefault("TERM", "dumb");
    Optional.ofNullable(InfoCmp.getDefaultInfoCmp(type))
        .ifPresent(capabilities -> InfoCmp.setLoadedInfoCmp(type, capabilities));
    for (String provider : List.of("jni", "ffm", "exec")) {
      try {
        return builder(charset).provider(provider).dumb(false).build();
      } catch (IOException | IllegalStateException e) {
        // The next one.
      }
    }
    return builder(charset).dumb(true).build();
  }

  private static TerminalBuilder builder(Charset charset) {
    return TerminalBuilder.builder().system(true).encoding(charset).nativeSignals(true);
  }

  public Terminal terminal() {
    return terminal;
  }

  public Look look() {
    return look;
  }

  /** Whether the terminal that the environment names can address cells. */
  public static boolean hasScreen(Map<String, String> environment) {
    return !environment.getOrDefault("TERM", "dumb").startsWith("dumb");
  }

  /** Runs the dashboard on the whole screen and puts the terminal back, however it ends. */
  public void show(DashboardLoop loop) {
    try (FullScreen screen = FullScreen.open(terminal, look)) {
      loop.run(screen);
    }
  }

  @Override
  public void close() {
    try {
      terminal.close();
    } catch (IOException e) {
      throw new Failure(ExitCode.FAILED, "the terminal cannot be closed: " + e.getMessage(), e);
    }
  }
}
