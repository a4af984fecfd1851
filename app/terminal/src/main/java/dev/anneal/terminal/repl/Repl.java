package dev.anneal.terminal.repl;

import dev.anneal.run.LiveRun;
import dev.anneal.terminal.dashboard.DashboardLoop;
import dev.anneal.terminal.screen.Tty;
import dev.anneal.terminal.shell.CommandSet;
import dev.anneal.terminal.shell.Language;
import dev.anneal.terminal.shell.Screens;
import dev.anneal.terminal.shell.Script;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.text.FilteredWriter;
import dev.anneal.terminal.text.TerminalSize;
import dev.anneal.terminal.text.Words;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import org.jline.reader.EndOfFileException;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;
import org.jline.terminal.Terminal.Signal;
import org.jline.utils.InfoCmp.Capability;

/**
 * The prompt: commands from a person. Ctrl-C ends the command in progress, or clears the line;
 * Ctrl-D leaves, and asks first when a run is unfinished.
 */
public final class Repl {
  private static final String GREETING =
      """
      Anneal trains GPT-2-class models: train starts a small one, sample draws text.
      Tab lists all commands, COMMAND --help explains one, Ctrl-D leaves.\
      """;

  private final Shell shell;
  private final LineInput input;
  private final Terminal terminal;

  private Repl(Shell shell, LineInput input, Terminal terminal) {
    this.shell = shell;
    this.terminal = terminal;
    this.input = input;
  }

  /**
   * Takes commands until the user leaves.
   *
   * @param commands what can be typed
   * @param first a command to begin with; when no run goes on after it, there is no prompt
   * @param onShell hears of the shell before any command
   * @return the exit code
   */
  public static int run(
      CommandSet commands,
      Charset charset,
      boolean json,
      boolean debug,
      List<String> first,
      Consumer<Shell> onShell) {
    try (Tty tty = Tty.open(charset)) {
      PrintWriter out = FilteredWriter.encodable(tty.terminal().writer(), charset);
      try (Shell shell = new Shell(commands, Shell.Use.PROMPT, out, out, tty.look(), json, debug)) {
        onShell.accept(shell);
        shell.sizeFrom(() -> TerminalSize.of(1, System.getenv()));
        tty.terminal()
            .handle(
                Signal.INT,
                signal -> {
                  // After the ^C that the terminal shows.
                  out.println();
                  shell.cancel();
                });
        if (Tty.hasScreen(System.getenv())) {
          shell.screensFrom(screens(tty));
        }
        LineInput input = new LineInput(tty, shell);
        Repl repl = new Repl(shell, input, tty.terminal());
        if (!first.isEmpty()) {
          int code = Language.execute(shell, first);
          if (!shell.hasUnfinishedRun()) {
            return code;
          }
        }
        return repl.loop(first.isEmpty() && !json);
      }
    }
  }

  private static Screens screens(Tty tty) {
    return new Screens() {
      @Override
      public boolean available() {
        return true;
      }

      @Override
      public void show(DashboardLoop loop) {
        tty.show(loop);
      }
    };
  }

  /** Commands that a user wants at every start. */
  private static Path startFile() {
    String home = System.getenv().getOrDefault("XDG_CONFIG_HOME", "");
    Path folder =
        home.isEmpty() ? Path.of(System.getProperty("user.home"), ".config") : Path.of(home);
    return folder.resolve("anneal").resolve("rc");
  }

  private int loop(boolean greet) {
    // Over the prompt that was there while this was loaded.
    terminal.writer().print('\r');
    if (greet) {
      terminal.puts(Capability.clr_eol);
      shell.out().println(GREETING);
    }
    if (Files.isReadable(startFile())) {
      terminal.puts(Capability.clr_eol);
      Script.run(shell, startFile(), true);
    }
    shell.out().flush();
    while (!shell.isQuitting()) {
      try {
        String line = input.read(() -> PromptText.of(shell));
        if (!line.isBlank()) {
          execute(line);
        }
      } catch (UserInterruptException e) {
        // The line is cleared.
      } catch (EndOfFileException e) {
        if (shell.isQuitting() || mayLeave()) {
          break;
        }
      }
    }
    return 0;
  }

  private void execute(String line) {
    for (List<String> words : Words.complete(line)) {
      if (Language.execute(shell, words) != 0 || shell.isQuitting()) {
        return;
      }
    }
  }

  private boolean mayLeave() {
    if (!shell.hasUnfinishedRun()) {
      return true;
    }
    LiveRun run = shell.live().orElseThrow();
    Optional<String> answer =
        input.ask(
            run.name()
                + " is "
                + run.session().state().name().toLowerCase(Locale.ROOT)
                + ": [s]top, save and leave, or [c]ancel? ");
    return answer.map(a -> a.strip().toLowerCase(Locale.ROOT).startsWith("s")).orElse(false);
  }
}
