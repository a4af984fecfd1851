package dev.anneal.terminal.command;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.device.Device;
import dev.anneal.device.Memory;
import dev.anneal.failure.Failure;
import dev.anneal.generation.Decoder;
import dev.anneal.generation.Generator;
import dev.anneal.generation.SamplingSettings;
import dev.anneal.model.Gpt2;
import dev.anneal.model.Model;
import dev.anneal.model.Parameter;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.session.Checkpoints;
import dev.anneal.session.Event;
import dev.anneal.session.Run;
import dev.anneal.session.RunCatalog;
import dev.anneal.session.RunConfig;
import dev.anneal.session.Samples;
import dev.anneal.session.SavedRun;
import dev.anneal.session.Session;
import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;
import dev.anneal.terminal.text.Printable;
import dev.anneal.tokenizer.Tokenizer;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
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
    if (checkpoint.isPresent()) {
      fromCheckpoint(checkpoint.get());
    } else if (shell().live().isPresent()) {
      fromLiveRun(live().session());
    } else {
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

  private String text() {
    return words.isEmpty() ? prompt : String.join(" ", words);
  }

  /** Between two steps of the run that trains. */
  private void fromLiveRun(Session session) {
    if (!asJson()) {
      out().print(Printable.text(text()));
    }
    CompletableFuture<Integer> done =
        session.sample(
            new Run.Prompt(text(), tokens, sampling.settings(session.sampling()), sampling.atEnd()),
            event -> {
              switch (event) {
                case Event.SampleText piece when !asJson() -> {
                  out().print(Printable.text(piece.text()));
                  out().flush();
                }
                case Event.SampleEnded e when asJson() ->
                    result(e.text(), e.tokens(), e.milliseconds());
                default -> {}
              }
            },
            shell()::isCancelled);
    shell().await(done);
    if (!asJson()) {
      out().println();
    }
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
    Model model = new Gpt2(saved.config().model());
    Tokenizer tokenizer = Tokenizer.named(saved.config().data().tokenizer());
    ArenaLayout layout =
        ArenaLayout.sequential(
            Arena.PARAMETERS, model.parameters().stream().map(Parameter::tensor).toList());
    try (Device device = placement.open();
        Memory parameters = device.allocate(Arena.PARAMETERS, layout.bytes());
        Decoder decoder = new Decoder(device, model, parameters, model.context())) {
      Checkpoints.loadWeights(
          saved,
          model,
          (tensor, offset, bytes) ->
              device.copyIn(
                  parameters, requireNonNull(layout.offsets().get(tensor)) + offset, bytes));
      stream(
          new Generator(decoder, model.vocabulary()),
          tokenizer,
          sampling.settings(SamplingSettings.defaults(RunConfig.DEFAULT_SEED)));
    }
  }

  private void stream(Generator generator, Tokenizer tokenizer, SamplingSettings settings) {
    PrintWriter out = out();
    StringBuilder text = new StringBuilder();
    if (!asJson()) {
      out.print(Printable.text(text()));
    }
    long start = System.nanoTime();
    int drawn =
        Samples.stream(
            generator,
            tokenizer,
            text(),
            tokens,
            settings,
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
    }
  }
}
