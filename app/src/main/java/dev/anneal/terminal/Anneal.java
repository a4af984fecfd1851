package dev.anneal.terminal;

import static java.util.Objects.requireNonNull;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The program: finds the command and turns how it ended into a line and an exit code. */
@Command(
    name = "anneal",
    description = "Train GPT-2-class models from your terminal, on any vendor's GPU, on the JVM.",
    synopsisSubcommandLabel = "COMMAND",
    footer = {"", "Example:", "  anneal train", "", "Every command explains itself with --help."})
public final class Anneal implements Runnable {
  private static final String VERSION = "0.1.0";

  @Option(names = "--version", versionHelp = true, description = "print the version")
  private boolean version;

  @Option(names = "--help", usageHelp = true, description = "show this")
  private boolean help;

  @Option(
      names = "--debug",
      scope = CommandLine.ScopeType.INHERIT,
      description = "show the stack trace of an error")
  private boolean debug;

  private Anneal() {}

  /** In the order in which {@code --help} lists them. */
  private static List<Object> commands() {
    return List.of(
        new TrainCommand(),
        new SampleCommand(),
        new PlanCommand(),
        new BenchCommand(),
        new VerifyCommand(),
        new ImportCommand(),
        new ExportCommand(),
        new BackendsCommand());
  }

  public static void main(String[] args) {
    StandardError.restore();
    PrintWriter out = new PrintWriter(new OutputStreamWriter(System.out, charset("stdout")), false);
    PrintWriter err = new PrintWriter(new OutputStreamWriter(System.err, charset("stderr")), true);
    int code = run(args, out, err);
    out.flush();
    err.flush();
    System.exit(code);
  }

  private static Charset charset(String stream) {
    String name = System.getProperty(stream + ".encoding");
    return name == null ? Charset.defaultCharset() : Charset.forName(name);
  }

  /** Runs one command line. */
  public static int run(String[] args, PrintWriter out, PrintWriter err) {
    Anneal anneal = new Anneal();
    CommandLine line = new CommandLine(anneal).setCommandName("anneal");
    for (Object command : commands()) {
      line.addSubcommand(command);
    }
    line.setOut(out)
        .setErr(err)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF))
        .setParameterExceptionHandler((e, arguments) -> usage(e, err))
        .setExecutionExceptionHandler((e, command, result) -> failed(e, anneal.debug, err));
    line.getCommandSpec().version("anneal " + VERSION + " (Java " + Runtime.version() + ")");
    int code = line.execute(args);
    out.flush();
    return code;
  }

  @Override
  public void run() {
    CommandLine line = new CommandLine(new Anneal());
    commands().forEach(line::addSubcommand);
    throw new ParameterException(
        line, "no command given; there are " + String.join(", ", line.getSubcommands().keySet()));
  }

  private static int usage(ParameterException e, PrintWriter err) {
    if (e.getCause() instanceof Failure failure) {
      return failed(failure, false, err);
    }
    StringBuilder message =
        new StringBuilder(requireNonNull(e.getMessage()).lines().findFirst().orElse("").strip());
    if (e instanceof UnmatchedArgumentException unmatched) {
      List<String> near = unmatched.getSuggestions();
      if (!near.isEmpty()) {
        message
            .append("; did you mean ")
            .append(String.join(" or ", near.subList(0, Math.min(2, near.size()))))
            .append('?');
      }
    }
    String command = e.getCommandLine().getCommandSpec().qualifiedName();
    err.println(
        "anneal: "
            + message
            + (message.toString().endsWith("?") ? "" : ";")
            + " see "
            + command
            + " --help");
    return ExitCode.USAGE.code();
  }

  private static int failed(Exception e, boolean debug, PrintWriter err) {
    if (debug) {
      e.printStackTrace(err);
    }
    if (e instanceof Failure failure) {
      err.println("anneal: " + Printable.line(failure.getMessage()));
      return failure.exitCode().code();
    }
    err.println(
        "anneal: "
            + Printable.line(e.toString())
            + (debug ? "" : "; this is a fault of ours: --debug shows where"));
    return ExitCode.FAILED.code();
  }
}
