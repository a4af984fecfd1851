package dev.anneal.terminal;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A terminal with a shell in it, in a tmux server of its own, and somebody who types there. */
public final class Tmux implements AutoCloseable {
  /** What takes longer than this on the slowest machine has failed. */
  private static final long MOST_MILLIS = 90_000;

  private static final long POLL_MILLIS = 40;
  private static final String SHELL_PROMPT = "sh$ ";

  private final Path folder;
  private final String socket;

  /** Opens a terminal of 100 by 30 whose shell runs in {@code folder}, where anneal is. */
  public Tmux(Path folder) throws IOException {
    this.folder = folder;
    this.socket = "anneal-test-" + ProcessHandle.current().pid() + "-" + System.nanoTime();
    program("anneal", Anneal.class);
    tmux(
        "-f",
        "/dev/null",
        "new-session",
        "-d",
        "-x",
        "100",
        "-y",
        "30",
        "-c",
        folder.toString(),
        "env",
        "-u",
        "NO_COLOR",
        "LC_ALL=C.UTF-8",
        "HOME=" + folder,
        "XDG_STATE_HOME=" + folder,
        "XDG_CONFIG_HOME=" + folder,
        "PATH=" + folder.resolve("bin") + ":" + System.getenv("PATH"),
        "PS1=" + SHELL_PROMPT,
        "bash",
        "--norc",
        "--noprofile");
    await(screen -> screen.startsWith(SHELL_PROMPT.strip()), "the shell's prompt");
  }

  public static boolean isInstalled() {
    try {
      return new ProcessBuilder("tmux", "-V").start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Makes a program that starts {@code main} as the launcher would. */
  void program(String name, Class<?> main) throws IOException {
    Path program = Files.createDirectories(folder.resolve("bin")).resolve(name);
    String line = AnnealProcess.line(main).replace(" 3>&2", " \"$@\" 3>&2");
    Files.writeString(program, "#!/bin/sh\nexec " + line + "\n");
    assertTrue(program.toFile().setExecutable(true));
  }

  private String tmux(String... arguments) {
    List<String> command = new ArrayList<>(List.of("tmux", "-L", socket));
    command.addAll(List.of(arguments));
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      process.waitFor();
      return output;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Types text. */
  public void type(String text) {
    tmux("send-keys", "-l", "--", text);
  }

  /** Types a line and Enter. */
  public void line(String text) {
    type(text + "\r");
  }

  /** Presses a key by tmux's name, such as {@code C-c}. */
  public void press(String key) {
    tmux("send-keys", key);
  }

  public void resize(int columns, int rows) {
    tmux("resize-window", "-x", String.valueOf(columns), "-y", String.valueOf(rows));
  }

  /** What is on the screen. */
  public String screen() {
    return tmux("capture-pane", "-p");
  }

  /** What is on the screen and was on it. */
  public String scrollback() {
    return tmux("capture-pane", "-p", "-J", "-S", "-");
  }

  /** The last line that is not blank: the prompt, and what is typed after it. */
  String lastLine() {
    return screen().stripTrailing().lines().reduce("", (first, second) -> second);
  }

  public boolean isOnAlternateScreen() {
    return tmux("display-message", "-p", "#{alternate_on}").strip().equals("1");
  }

  /** Waits until the screen is as it should be. */
  public String await(Predicate<String> expected, String what) {
    long end = System.currentTimeMillis() + MOST_MILLIS;
    while (true) {
      String screen = screen();
      if (expected.test(screen)) {
        return screen;
      }
      if (System.currentTimeMillis() > end) {
        throw new AssertionError(what + " does not come; the screen is\n" + scrollback());
      }
      pause();
    }
  }

  private static void pause() {
    try {
      Thread.sleep(POLL_MILLIS);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  public String await(String text) {
    return await(screen -> screen.contains(text), "'" + text + "'");
  }

  /** Waits for a last line that matches. */
  public void awaitLine(String pattern) {
    Pattern compiled = Pattern.compile(pattern);
    await(
        screen ->
            compiled
                .matcher(screen.stripTrailing().lines().reduce("", (a, b) -> b).stripTrailing())
                .matches(),
        "a line " + pattern);
  }

  /** Clears the screen of the shell, and waits for its prompt. */
  void clear() {
    line("clear; tmux -L " + socket + " clear-history");
    await(
        screen -> screen.strip().equals(SHELL_PROMPT.strip()),
        "a screen with nothing but a prompt");
  }

  /** The terminal's settings, as the shell sees them. */
  public String settings() {
    clear();
    line("stty -g");
    Pattern form = Pattern.compile("(?m)^[0-9a-f]+(:[0-9a-f]+){10,}$");
    Matcher matcher = form.matcher(await(s -> form.matcher(s).find(), "the settings"));
    String settings = matcher.results().findFirst().orElseThrow().group();
    clear();
    return settings;
  }

  /** The process that the shell is waiting for. */
  ProcessHandle foreground() {
    long shell = Long.parseLong(tmux("display-message", "-p", "#{pane_pid}").strip());
    return ProcessHandle.of(shell).orElseThrow().children().findFirst().orElseThrow();
  }

  /** Waits until the cursor stands at the beginning of a line: no prompt, a command goes on. */
  void awaitCursorAtMargin() {
    await(
        screen -> tmux("display-message", "-p", "#{cursor_x}").strip().equals("0"),
        "a command in progress");
  }

  /** Takes the terminal away; returns when nothing runs any more. */
  @Override
  public void close() {
    String shell = tmux("display-message", "-p", "#{pane_pid}").strip();
    List<ProcessHandle> running =
        shell.matches("\\d+")
            ? ProcessHandle.of(Long.parseLong(shell)).stream()
                .flatMap(handle -> Stream.concat(Stream.of(handle), handle.descendants()))
                .toList()
            : List.of();
    tmux("kill-server");
    for (ProcessHandle process : running) {
      try {
        process.onExit().get(MOST_MILLIS, TimeUnit.MILLISECONDS);
      } catch (ExecutionException | InterruptedException | TimeoutException e) {
        process.destroyForcibly();
        throw new AssertionError("a program goes on without its terminal", e);
      }
    }
  }
}
