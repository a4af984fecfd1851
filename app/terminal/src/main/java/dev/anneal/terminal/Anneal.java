package dev.anneal.terminal;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.PathName;
import dev.anneal.checkpoint.TextLines;
import dev.anneal.failure.Exhausted;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.terminal.command.Commands;
import dev.anneal.terminal.repl.PromptText;
import dev.anneal.terminal.repl.Repl;
import dev.anneal.terminal.screen.TerminalScreens;
import dev.anneal.terminal.screen.Tty;
import dev.anneal.terminal.shell.Language;
import dev.anneal.terminal.shell.Release;
import dev.anneal.terminal.shell.Script;
import dev.anneal.terminal.shell.ScriptLines;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.text.Dashes;
import dev.anneal.terminal.text.FilteredWriter;
import dev.anneal.terminal.text.Look;
import dev.anneal.terminal.text.Printable;
import dev.anneal.terminal.text.Streams;
import dev.anneal.terminal.text.TerminalSize;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** The program: a prompt, a script or one command, and the exit code of how it ended. */
public final class Anneal {
  /** What stands before a command. */
  @Command(
      name = "anneal",
      sortOptions = false,
      description = {
        "Train GPT-2-class models from your terminal, on the JVM.",
        "Alone on a terminal, it opens a prompt that takes the same commands."
      },
      customSynopsis = {
        "anneal [--json] [--debug] COMMAND ...",
        "       anneal [--json] [--keep-going] [-f FILE | -c 'COMMAND; COMMAND' | -]",
        "       anneal"
      },
      footer = {
        "",
        "Examples:",
        "  anneal train --dashboard",
        "  anneal -c 'train --bg; wait step>=100; sample; stop'",
        "",
        "Every command explains itself with --help."
      })
  private static final class Options {
    @Option(names = "-f", paramLabel = "FILE", description = "run the commands in a file")
    private Optional<Path> file = Optional.empty();

    @Option(names = "-c", paramLabel = "COMMANDS", description = "run these, separated by ;")
    private Optional<String> commands = Optional.empty();

    @Option(names = "--keep-going", description = "go on after a command of a script that fails")
    private boolean keepGoing;

    @Option(names = "--json", description = "JSON from every command, one object per line")
    private boolean json;

    @Option(names = "--debug", description = "show the stack trace of an error")
    private boolean debug;

    /**
     * Also without a terminal: the launcher makes its cache of loaded classes from such a start.
     */
    @Option(names = "--prompt", hidden = true, description = "open the prompt")
    private boolean prompt;

    @Option(names = "--version", description = "print the version")
    private boolean version;

    @Option(names = "--help", description = "show this")
    private boolean help;

    @Parameters(hidden = true, description = "a command with its arguments")
    private List<String> words = List.of();

    boolean nothingToRun() {
      return words.isEmpty() && file.isEmpty() && commands.isEmpty();
    }
  }

  private final InputStream in;
  private final PrintWriter out;
  private final PrintWriter err;
  private final BooleanSupplier nobodyReads;

  private Anneal(InputStream in, PrintWriter out, PrintWriter err, BooleanSupplier nobodyReads) {
    this.in = in;
    this.out = out;
    this.err = err;
    this.nobodyReads = nobodyReads;
  }

  public static void main(String[] args) {
    NoLogging.install();
    StandardOutput output = new StandardOutput();
    PrintWriter out = writer(output, "stdout");
    PrintWriter err = writer(StandardError.open(), "stderr");
    int code;
    try {
      code = new Anneal(System.in, out, err, output::readerIsGone).start(args, true);
    } catch (VirtualMachineError e) {
      err.println("anneal: " + Dashes.in(Exhausted.of(e)));
      code = ExitCode.FAILED.code();
    }
    out.flush();
    // Whether output arrived never replaces a command's own verdict.
    if (output.lost().isPresent()) {
      err.println("anneal: cannot write to standard output: " + output.lost().get());
      code = code == 0 ? ExitCode.FAILED.code() : code;
    }
    err.flush();
    System.exit(code);
  }

  private static PrintWriter writer(OutputStream to, String stream) {
    Charset charset = charset(stream);
    return FilteredWriter.encodable(
        new PrintWriter(new OutputStreamWriter(to, charset), false), charset);
  }

  private static Charset charset(String stream) {
    String name = System.getProperty(stream + ".encoding");
    return name == null ? Charset.defaultCharset() : Charset.forName(name);
  }

  /** Runs one command line as if no stream were a terminal, and nothing came in. */
  public static int run(String[] args, PrintWriter out, PrintWriter err) {
    int code =
        new Anneal(InputStream.nullInputStream(), out, err, out::checkError).start(args, false);
    out.flush();
    return code;
  }

  private int start(String[] args, boolean ownStreams) {
    boolean terminal = ownStreams && Streams.isTerminal(0) && Streams.isTerminal(1);
    if (terminal && args.length == 0) {
      // Without a look at the options, whose parser takes long to load. The prompt is there before
      // the line editor is; what is typed meanwhile is not lost.
      if (!"shown".equals(System.getProperty("anneal.prompt"))) {
        out.print(PromptText.EMPTY);
        out.flush();
      }
      return prompt(new Options());
    }
    Options options = new Options();
    CommandLine line = new CommandLine(options).setStopAtPositional(true).setExpandAtFiles(false);
    try {
      Arguments.requireWhole(args);
      line.registerConverter(Path.class, PathName::of);
      line.parseArgs(args);
    } catch (ParameterException | Failure e) {
      String message = Dashes.in(e.getCause() instanceof Failure cause ? cause : e);
      err.println("anneal: " + Printable.line(message) + "; see anneal --help");
      return ExitCode.USAGE.code();
    }
    if (options.version) {
      out.println("anneal " + Release.VERSION + " (Java " + Runtime.version() + ")");
      return 0;
    }
    boolean dashboard =
        !options.words.isEmpty()
            && options.words.getFirst().equals("train")
            && options.words.contains("--dashboard");
    boolean wantsPrompt = options.prompt || terminal && (options.nothingToRun() || dashboard);
    if (wantsPrompt && !options.help) {
      return prompt(options);
    }
    Look look = Look.of(System.getenv(), charset("stdout"), terminal);
    try (Shell shell =
        new Shell(Commands::addTo, use(options), out, err, look, options.json, options.debug)) {
      shell.nobodyReadsWhen(nobodyReads);
      if (options.help) {
        Commands.addTo(line, shell);
        line.usage(out, CommandLine.Help.Ansi.OFF);
        return 0;
      }
      if (terminal && Tty.hasScreen(System.getenv())) {
        shell.screensFrom(new TerminalScreens(charset("stdout")));
      }
      if (!ownStreams) {
        return execute(options, shell);
      }
      shell.sizeFrom(() -> TerminalSize.of(1, System.getenv()));
      Signals signals = Signals.handle(shell);
      int code = execute(options, shell);
      return signals.exitCode().map(ExitCode::code).orElse(code);
    }
  }

  private static int prompt(Options options) {
    return Repl.run(
        Commands::addTo,
        charset("stdout"),
        options.json,
        options.debug,
        options.words,
        Signals::handleAtPrompt);
  }

  private static Shell.Use use(Options options) {
    return options.words.isEmpty() || options.words.equals(List.of("-"))
        ? Shell.Use.SCRIPT
        : Shell.Use.ONCE;
  }

  private int execute(Options options, Shell shell) {
    try (ScriptLines input = new ScriptLines(shell, () -> TextLines.ofCommands(in))) {
      shell.answersFrom(question -> readLine(input));
      boolean commandsComeIn = use(options) == Shell.Use.SCRIPT && options.commands.isEmpty();
      if (!commandsComeIn || options.file.map(f -> !f.toString().equals("-")).orElse(false)) {
        shell.inputFrom(in);
      }
      if (options.commands.isPresent()) {
        return Script.run(shell, options.commands.get(), options.keepGoing);
      }
      if (options.file.isPresent() && !options.file.get().toString().equals("-")) {
        return Script.run(shell, options.file.get(), options.keepGoing);
      }
      if (use(options) == Shell.Use.SCRIPT) {
        return Script.run(shell, input, options.keepGoing);
      }
      return Language.execute(shell, options.words);
    } catch (Failure e) {
      return Language.failed(e, shell, options.debug);
    } catch (IOException e) {
      return Language.failed(FileFailures.cannotRead(Path.of("stdin"), e), shell, options.debug);
    }
  }

  private static Optional<String> readLine(ScriptLines input) {
    try {
      return input.next();
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
