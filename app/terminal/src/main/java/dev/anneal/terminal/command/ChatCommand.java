package dev.anneal.terminal.command;

import dev.anneal.failure.Failure;
import dev.anneal.run.LiveRun;
import dev.anneal.run.LiveSetting;
import dev.anneal.run.Run;
import dev.anneal.run.Samples;
import dev.anneal.run.Session;
import dev.anneal.run.log.Event;
import dev.anneal.terminal.option.PlacementOptions;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.Dashes;
import dev.anneal.terminal.text.Printable;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code chat}: a conversation with the live weights. */
@Command(
    name = "chat",
    description =
        "Talk to the live run: every line is added to one text, which the model continues up to the"
            + " end of a line. /reset forgets, /set temperature 0.7 changes, /exit or Ctrl-D"
            + " leaves, Ctrl-C ends an answer. A run that trains goes on between answers.",
    footer = {"", "Example:", "  chat run-1"})
final class ChatCommand extends ShellCommand {
  @Parameters(arity = "0..1", paramLabel = "RUN", description = "to load; the live one by default")
  private Optional<String> run = Optional.empty();

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "200",
      description = "per answer, at most; ${DEFAULT-VALUE} by default")
  private int tokens;

  @Option(names = "--whole", description = "answers of --tokens, also beyond the end of a line")
  private boolean whole;

  @Mixin private PlacementOptions placement;

  ChatCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    if (run.isEmpty()) {
      refuse("is for a RUN to load: " + PlacementOptions.WHERE_THE_RUN_IS, PlacementOptions.NAMES);
    }
    run.ifPresent(name -> LoadCommand.load(shell(), name, placement.place()));
    Session session = live().session();
    StringBuilder text = new StringBuilder();
    while (true) {
      Optional<String> line = shell().ask("you> ");
      if (line.isEmpty() || line.get().strip().equals("/exit")) {
        return 0;
      }
      if (line.get().startsWith("/")) {
        command(session, text, line.get().strip());
      } else {
        text.append(line.get()).append('\n');
        answer(session, text);
      }
    }
  }

  private void command(Session session, StringBuilder text, String line) {
    List<String> words = List.of(line.split("\\s+"));
    try {
      switch (words.getFirst()) {
        case "/reset" -> text.setLength(0);
        case "/set" -> {
          if (words.size() != 3) {
            throw Failure.usage("/set takes a setting and a value");
          }
          shell().await(LiveSetting.of(words.get(1)).change(session, words.get(2)));
        }
        default -> throw Failure.usage(words.getFirst() + " is none of /reset, /set, /exit");
      }
    } catch (Failure e) {
      if (asJson()) {
        print(json("error").put("text", Dashes.in(e)));
      } else {
        say("%s", Dashes.in(e));
      }
    }
  }

  private void answer(Session session, StringBuilder text) {
    AtomicBoolean ended = new AtomicBoolean();
    StringBuilder answer = new StringBuilder();
    shell().forgetCancel();
    Event.Listener listener =
        event -> {
          if (event instanceof Event.SampleText piece && !ended.get()) {
            int end = whole ? -1 : endOfLine(answer, piece.text());
            String part = end < 0 ? piece.text() : piece.text().substring(0, end);
            answer.append(part);
            if (!asJson()) {
              out().print(Printable.text(part));
              out().flush();
            }
            ended.set(end >= 0);
          }
        };
    LiveRun.await(
        session.sample(
            new Run.Prompt(text.toString(), tokens, session.sampling(), Samples.AtEnd.STOP),
            listener,
            () -> ended.get() || shell().isCancelled()));
    if (asJson()) {
      print(json("answer").put("text", answer.toString()));
    } else {
      out().println();
      out().flush();
    }
    text.append(answer).append('\n');
    shell().forgetCancel();
  }

  /** Where the answer's line ends, once it has begun. */
  private static int endOfLine(StringBuilder before, String piece) {
    return before.toString().isBlank() && piece.isBlank() ? -1 : piece.indexOf('\n');
  }
}
