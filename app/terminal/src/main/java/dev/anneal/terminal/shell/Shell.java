package dev.anneal.terminal.shell;

import dev.anneal.checkpoint.OutputFile;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.run.LiveRun;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.Recording;
import dev.anneal.terminal.dashboard.DashboardLoop;
import dev.anneal.terminal.text.Dashes;
import dev.anneal.terminal.text.FilteredWriter;
import dev.anneal.terminal.text.Look;
import dev.anneal.terminal.text.TerminalSize;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * What commands act on: the live run, aliases and history, which all of a process's shells share,
 * and the streams and the cancellation of one place where commands are typed.
 */
public final class Shell implements AutoCloseable {

  /** How commands come in. */
  public enum Use {
    /** One command from the command line. */
    ONCE,
    /** A file or a pipe of commands. */
    SCRIPT,
    /** A person at a prompt. */
    PROMPT,
    /** The command line of a dashboard. */
    DASHBOARD
  }

  private static final long POLL_MILLIS = 20;

  /** Columns and rows around what a dashboard's window shows. */
  private static final int FRAME = 4;

  /** What is there once in a process. */
  private static final class Shared {
    final CommandSet commands;
    final SequencedMap<String, String> aliases = new TreeMap<>();
    volatile Optional<LiveRun> live = Optional.empty();
    volatile Optional<Recording> recording = Optional.empty();
    volatile Consumer<String> notices = line -> {};
    volatile Supplier<List<String>> history = List::of;
    volatile boolean quitting;
    volatile boolean tellsEnd;

    Shared(CommandSet commands) {
      this.commands = commands;
    }
  }

  private final Shared shared;
  private final Use use;
  private final PrintWriter out;
  private final PrintWriter err;
  private final PrintWriter rawOut;
  private final PrintWriter rawErr;
  private final Look look;
  private final boolean json;
  private final boolean debug;
  private final AtomicBoolean cancelled = new AtomicBoolean();
  private volatile Function<String, Optional<String>> answers = question -> Optional.empty();
  private BooleanSupplier nobodyReads;
  private Optional<InputStream> input = Optional.empty();
  private Screens screens = Screens.NONE;
  private Supplier<Optional<TerminalSize>> size = Optional::empty;
  private String errorPrefix = "anneal";
  private int depth;

  /**
   * @param commands what can be typed
   */
  public Shell(
      CommandSet commands,
      Use use,
      PrintWriter out,
      PrintWriter err,
      Look look,
      boolean json,
      boolean debug) {
    this(new Shared(commands), use, out, err, look, json, debug);
    shared.notices =
        line -> {
          err.println(line);
          err.flush();
        };
  }

  private Shell(
      Shared shared,
      Use use,
      PrintWriter out,
      PrintWriter err,
      Look look,
      boolean json,
      boolean debug) {
    this.shared = shared;
    this.use = use;
    this.out = FilteredWriter.printable(out);
    this.err = FilteredWriter.printable(err);
    this.rawOut = out;
    this.rawErr = err;
    this.nobodyReads = out::checkError;
    this.look = look;
    this.json = json;
    this.debug = debug;
  }

  /** A shell for a dashboard's commands: the same run, output to {@code writer}, no screen. */
  public Shell inDashboard(PrintWriter writer) {
    Shell inside =
        new Shell(
            shared,
            Use.DASHBOARD,
            writer,
            writer,
            new Look(look.glyphs(), Look.Colors.NONE),
            json,
            debug);
    inside.sizeFrom(() -> size().map(s -> new TerminalSize(s.columns() - FRAME, s.rows() - FRAME)));
    return inside;
  }

  /** What can be typed. */
  public CommandSet commands() {
    return shared.commands;
  }

  public Use use() {
    return use;
  }

  /** For results. Control characters are shown, never sent, wherever a text comes from. */
  public PrintWriter out() {
    return out;
  }

  /** For what is said beside results, in the same way. */
  public PrintWriter err() {
    return err;
  }

  /** Where results go, for escape codes of our own making and what cannot have others. */
  public PrintWriter rawOut() {
    return rawOut;
  }

  /** Where the rest goes, for escape codes of our own making. */
  public PrintWriter rawErr() {
    return rawErr;
  }

  /** What comes in from outside and is no command. */
  public void inputFrom(InputStream in) {
    input = Optional.of(in);
  }

  /** The file that a command is to work on; without one, what comes in. */
  public TextInput input(Optional<Path> file) {
    return new TextInput(file.orElse(Path.of("-")), input);
  }

  /** Who knows that nobody reads the results any more; by default, that they cannot be written. */
  public void nobodyReadsWhen(BooleanSupplier gone) {
    nobodyReads = gone;
  }

  /** Whether nobody reads the results any more, as after {@code | head -1}: no failure. */
  public boolean nobodyReads() {
    rawOut.flush();
    return nobodyReads.getAsBoolean();
  }

  public Look look() {
    return look;
  }

  /** Whether every command prints JSON. */
  public boolean json() {
    return json;
  }

  public boolean debug() {
    return debug;
  }

  /** What the line of an error begins with: {@code anneal}, or a script's {@code FILE:LINE}. */
  public String errorPrefix() {
    return errorPrefix;
  }

  public void setErrorPrefix(String prefix) {
    errorPrefix = prefix;
  }

  public SequencedMap<String, String> aliases() {
    return shared.aliases;
  }

  /** What a background run has to say goes here, so that it garbles no half-typed line. */
  public void onNotice(Consumer<String> listener) {
    shared.notices = listener;
  }

  /** What is told of a run's end while {@code wait} or {@code stop} waits for it is theirs. */
  public boolean tellsEnd() {
    return shared.tellsEnd;
  }

  public void tellsEnd(boolean tells) {
    shared.tellsEnd = tells;
  }

  public void notice(String line) {
    shared.notices.accept(line);
  }

  public void historyFrom(Supplier<List<String>> lines) {
    shared.history = lines;
  }

  /** What was typed, oldest first. */
  public List<String> history() {
    return shared.history.get();
  }

  /** Who answers the questions of commands, such as a chat's. */
  public void answersFrom(Function<String, Optional<String>> who) {
    answers = who;
  }

  /** An answer to a question; empty at the end of all answers. */
  public Optional<String> ask(String question) {
    return answers.apply(question);
  }

  /** Where a dashboard can be drawn. */
  public void screensFrom(Screens where) {
    screens = where;
  }

  public Screens screens() {
    return screens;
  }

  /** Who knows how large the terminal is that results are printed on. */
  public void sizeFrom(Supplier<Optional<TerminalSize>> who) {
    size = who;
  }

  /**
   * The size that results are to fit in, as it is now; empty where there is no terminal and the
   * environment says none, as in a file, whose lines may be as long as they are.
   */
  public Optional<TerminalSize> size() {
    return size.get();
  }

  /** Shows a dashboard; what happens meanwhile is told there and not by notices. */
  public void showScreen(DashboardLoop loop) {
    Consumer<String> before = shared.notices;
    shared.notices = line -> {};
    try {
      screens.show(loop);
    } finally {
      shared.notices = before;
      loop.close();
    }
  }

  public Optional<LiveRun> live() {
    return shared.live;
  }

  /** The live run. Fails without one. */
  public LiveRun requireLive() {
    return shared.live.orElseThrow(
        () ->
            Failure.usage(
                use == Use.ONCE
                    ? "there is no live run here; this command steers one at the prompt (./anneal)"
                        + " or in a script (-c 'train --bg; ...')"
                    : "there is no live run; start one with train, or open one with load"));
  }

  /** Whether a run trains, or is paused before its end; one that is only looked at is neither. */
  public boolean hasUnfinishedRun() {
    return shared
        .live
        .filter(run -> !run.session().isLooking())
        .map(run -> run.session().state())
        .map(state -> state == Event.State.RUNNING || state == Event.State.PAUSED)
        .orElse(false);
  }

  /** A run that goes on must be stopped before another takes its place. */
  public void requireNoneGoingOn() {
    if (hasUnfinishedRun()) {
      LiveRun run = requireLive();
      throw Failure.usage(
          run.name()
              + " is "
              + (run.session().state() == Event.State.RUNNING ? "running" : "paused")
              + "; stop it first");
    }
  }

  /** Closes the run before, which has ended, and takes another. */
  public void take(LiveRun run) {
    drop();
    run.session().spell(Dashes.SPELLING);
    shared.live = Optional.of(run);
  }

  /** Closes the live run, which stops and saves it; whoever comes second waits until it is. */
  public void drop() {
    synchronized (shared) {
      try {
        stopRecord();
      } catch (Failure e) {
        // A record that was not all written is no reason to lose the run.
        notice("warning: " + Dashes.in(e));
      }
      Optional<LiveRun> before = shared.live;
      shared.live = Optional.empty();
      before.ifPresent(LiveRun::close);
    }
  }

  /** The file that the live run is recorded to. */
  public Optional<Path> recording() {
    return shared.recording.map(Recording::file);
  }

  public void startRecord(LiveRun run, OutputFile file) {
    if (shared.recording.isPresent()) {
      throw Failure.usage(
          "a record is being written to "
              + shared.recording.get().file()
              + " already; 'record stop' ends it");
    }
    Recording recording = new Recording(file, run.history().snapshot().started());
    run.session().addListener(recording);
    shared.recording = Optional.of(recording);
  }

  /** Ends the record, and says which file it is in. */
  public Optional<Path> stopRecord() {
    Optional<Recording> recording = shared.recording;
    shared.recording = Optional.empty();
    recording.ifPresent(
        r -> {
          shared.live.ifPresent(run -> run.session().removeListener(r));
          r.close();
        });
    return recording.map(Recording::file);
  }

  /** Ctrl-C while a command is in progress. */
  public void cancel() {
    cancelled.set(true);
  }

  public boolean isCancelled() {
    return cancelled.get();
  }

  /** Ends a command that was cancelled, with exit code 130. */
  public void requireNotCancelled() {
    if (isCancelled()) {
      throw new Failure(ExitCode.INTERRUPTED, "cancelled");
    }
  }

  /** A cancellation that was for a part of the command, and is dealt with. */
  public void forgetCancel() {
    cancelled.set(false);
  }

  public void commandBegins() {
    if (depth++ == 0) {
      cancelled.set(false);
    }
  }

  public void commandEnds() {
    depth--;
  }

  /** How many commands are in progress, each begun by the one before it. */
  public int depth() {
    return depth;
  }

  /**
   * Waits until {@code future} is done or the user cancels, which fails with exit code 130; what
   * was asked for goes on.
   */
  public <T> T await(CompletableFuture<T> future) {
    while (true) {
      try {
        return future.get(POLL_MILLIS, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        if (isCancelled()) {
          throw new Failure(ExitCode.INTERRUPTED, "cancelled");
        }
      } catch (InterruptedException e) {
        throw new Failure(ExitCode.INTERRUPTED, "cancelled", e);
      } catch (ExecutionException e) {
        if (e.getCause() instanceof RuntimeException cause) {
          throw cause;
        }
        throw new CompletionException(e);
      }
    }
  }

  /** Sleeps, unless the user cancels. */
  public void sleep(double seconds) {
    long end = System.nanoTime() + (long) (seconds * 1e9);
    while (System.nanoTime() < end && !isCancelled()) {
      try {
        Thread.sleep(Math.clamp((end - System.nanoTime()) / 1_000_000, 1, POLL_MILLIS));
      } catch (InterruptedException e) {
        cancel();
      }
    }
  }

  public void quit() {
    shared.quitting = true;
  }

  public boolean isQuitting() {
    return shared.quitting;
  }

  /** Stops and saves the live run. */
  @Override
  public void close() {
    drop();
  }
}
