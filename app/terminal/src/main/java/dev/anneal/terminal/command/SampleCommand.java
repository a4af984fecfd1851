package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.device.Device;
import dev.anneal.failure.Failure;
import dev.anneal.run.Run;
import dev.anneal.run.Samples;
import dev.anneal.run.SavedModel;
import dev.anneal.run.Session;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.log.Event;
import dev.anneal.run.store.Checkpoints;
import dev.anneal.run.store.RunCatalog;
import dev.anneal.run.store.SavedRun;
import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;
import dev.anneal.terminal.option.PlacementOptions;
import dev.anneal.terminal.option.SampleOptions;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.Printable;
import dev.anneal.tokenizer.Tokenizer;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sample}: text from the live weights, or from a checkpoint. */
@Command(
    name = "sample",
    description = "Generate text with the live run's weights or a checkpoint's, as it is drawn.",
    footer = {
      "",
      "Examples:",
      "  anneal sample --prompt 'public static '",
      "  anneal sample --checkpoint runs/run-1 --tokens 100 --temperature 0.5"
    })
final class SampleCommand extends ShellCommand {
  /** Tokens of a text that is in memory, and in one line, as a whole. */
  private static final int MOST_HELD = 1_000_000;

  @Mixin private SampleOptions sampling;

  @Option(
      names = "--checkpoint",
      paramLabel = "DIR",
      description =
          "a run's directory, or one of its checkpoints; by default the live weights, without a"
              + " live run the run in runs/ that was trained last")
  private Optional<Path> checkpoint = Optional.empty();

  @Parameters(paramLabel = "WORD", description = "the prompt, instead of --prompt")
  private List<String> words = List.of();

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      defaultValue = "",
      description = "what to continue; the beginning of a document by default")
  private String prompt;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "256",
      description = "at most; ${DEFAULT-VALUE} by default")
  private int tokens;

  @Mixin private PlacementOptions placement;

  SampleCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    Setting.TOKENS.whole(Written.OPTION, tokens);
    if (!words.isEmpty()) {
      refuse(
          "is the prompt, and so are the words "
              + String.join(" ", words)
              + "; give one, a prompt of several words in quotes",
          "--prompt");
    }
    if (checkpoint.isPresent()) {
      if (asJson()) {
        requireHeld("--json holds a text whole");
      }
      fromCheckpoint(RunCatalog.place(checkpoint.get()));
    } else if (shell().live().isPresent()) {
      refuse("is for a checkpoint: " + PlacementOptions.WHERE_THE_RUN_IS, PlacementOptions.NAMES);
      requireHeld("a live run's log holds a text whole");
      fromLiveRun(live().session());
    } else {
      if (asJson()) {
        requireHeld("--json holds a text whole");
      }
      RunCatalog.Entry run = newest();
      if (!asJson()) {
        err()
            .println(
                Printable.line(
                    "from "
                        + run.path()
                        + ", step "
                        + run.step()
                        + "; --checkpoint takes another"));
        err().flush();
      }
      fromCheckpoint(run.path());
    }
    return 0;
  }

  /** Without a live run, the weights that were trained last. */
  private static RunCatalog.Entry newest() {
    return RunCatalog.newest(RunCatalog.HOME)
        .orElseThrow(
            () ->
                Failure.usage(
                    "there is no run to sample from: "
                        + RunCatalog.HOME
                        + " has no checkpoint; train first, or give --checkpoint"));
  }

  private void requireHeld(String why) {
    if (tokens > MOST_HELD) {
      throw Failure.usage(
          "--tokens is "
              + tokens
              + ", and "
              + why
              + "; expected at most "
              + MOST_HELD
              + ", or sample a checkpoint without --json, which streams");
    }
  }

  private String text() {
    return words.isEmpty() ? prompt : String.join(" ", words);
  }

  /** Says once that a text goes beyond what the model has seen. */
  private void tellBeyond(Tokenizer tokenizer, int drawn, int trained) {
    int before = text().isEmpty() ? 1 : tokenizer.encode(text()).length;
    if ((long) before + drawn > trained) {
      warn(
          "the text is longer than the "
              + trained
              + " tokens that the model was trained on; each token was drawn from the "
              + Math.max(1, trained / 2)
              + " to "
              + trained
              + " before it");
    }
  }

  /** Between two steps of the run that trains. */
  private void fromLiveRun(Session session) {
    if (!asJson()) {
      out().print(Printable.text(text()));
    }
    AtomicInteger drawn = new AtomicInteger();
    CompletableFuture<Integer> done =
        session.sample(
            new Run.Prompt(text(), tokens, sampling.settings(session.sampling()), sampling.atEnd()),
            event -> {
              switch (event) {
                case Event.SampleEnded e when !asJson() -> drawn.set(e.tokens());
                case Event.SampleText piece when !asJson() -> {
                  out().print(Printable.text(piece.text()));
                  out().flush();
                }
                case Event.SampleEnded e -> {
                  drawn.set(e.tokens());
                  result(e.text(), e.tokens(), e.milliseconds());
                }
                default -> {}
              }
            },
            shell()::isCancelled);
    shell().await(done);
    if (!asJson()) {
      out().println();
      out().flush();
    }
    RunConfig config = shell().await(session.atBoundary(Run::config));
    tellBeyond(config.data().tokenizer().open(), drawn.get(), config.trainedLength());
  }

  private void result(String text, int drawn, double ms) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("event", "sample")
        .put("prompt", text())
        .put("text", text)
        .put("tokens", drawn)
        .put("ms", ms);
    print(node);
  }

  private void fromCheckpoint(Path directory) {
    Checkpoints.Saved saved = SavedRun.checkpoint(directory, this::warn);
    try (Device device = placement.open();
        SavedModel model = SavedModel.load(saved, device)) {
      stream(model);
    }
  }

  private void stream(SavedModel model) {
    PrintWriter out = out();
    StringBuilder text = new StringBuilder();
    if (!asJson()) {
      out.print(Printable.text(text()));
    }
    long start = System.nanoTime();
    int drawn =
        Samples.stream(
            model.generator(),
            model.tokenizer(),
            model.opening(),
            text(),
            tokens,
            sampling.settings(model.sampling()),
            sampling.atEnd(),
            piece -> {
              if (asJson()) {
                text.append(piece);
              } else {
                out.print(Printable.text(piece));
                out.flush();
              }
            },
            shell()::isCancelled);
    if (asJson()) {
      result(text.toString(), drawn, (System.nanoTime() - start) / 1e6);
    } else {
      out.println();
      out.flush();
    }
    tellBeyond(model.tokenizer(), drawn, model.trainedLength());
  }
}
