package dev.anneal.terminal;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.checkpoint.CheckpointDirectory;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.Memory;
import dev.anneal.failure.Failure;
import dev.anneal.generation.Decoder;
import dev.anneal.generation.Generator;
import dev.anneal.model.Gpt2;
import dev.anneal.model.Model;
import dev.anneal.model.Parameter;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.session.Checkpoints;
import dev.anneal.session.Devices;
import dev.anneal.session.Samples;
import dev.anneal.tokenizer.Tokenizer;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sample}: text from a checkpoint. */
@Command(
    name = "sample",
    description = "Generate text with a trained model, as it is drawn.",
    footer = {"", "Example:", "  anneal sample --checkpoint runs/run-1 --prompt 'public static '"})
final class SampleCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private SampleOptions sampling;
  @Mixin private JsonOption json;

  @Option(
      names = "--checkpoint",
      required = true,
      paramLabel = "DIR",
      description = "a run's directory, or one of its checkpoints")
  private Path checkpoint;

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

  @Option(names = "--backend", defaultValue = "cpu", description = "${DEFAULT-VALUE} by default")
  private String backend;

  @Option(names = "--threads", paramLabel = "N", description = "all cores by default")
  private Optional<Integer> threads = Optional.empty();

  @Option(names = "--help", usageHelp = true, description = "show this")
  private boolean help;

  @Override
  public Integer call() {
    if (tokens < 1) {
      throw Failure.usage("--tokens is " + tokens + "; expected at least 1");
    }
    Checkpoints.Saved saved = Checkpoints.Saved.open(CheckpointDirectory.find(checkpoint));
    Model model = new Gpt2(saved.config().model());
    Tokenizer tokenizer = Tokenizer.named(saved.config().data().tokenizer());
    ArenaLayout layout =
        ArenaLayout.sequential(
            Arena.PARAMETERS, model.parameters().stream().map(Parameter::tensor).toList());
    DeviceOptions options = threads.map(DeviceOptions::threads).orElseGet(DeviceOptions::defaults);
    try (Device device = Devices.open(backend, 0, options);
        Memory parameters = device.allocate(Arena.PARAMETERS, layout.bytes());
        Decoder decoder = new Decoder(device, model, parameters, model.context())) {
      Checkpoints.loadWeights(
          saved,
          model,
          (tensor, offset, bytes) ->
              device.copyIn(
                  parameters, requireNonNull(layout.offsets().get(tensor)) + offset, bytes));
      stream(new Generator(decoder, model.vocabulary()), tokenizer);
    }
    return 0;
  }

  private void stream(Generator generator, Tokenizer tokenizer) {
    PrintWriter out = spec.commandLine().getOut();
    StringBuilder text = new StringBuilder();
    if (!json.isSet()) {
      out.print(Printable.text(prompt));
    }
    long start = System.nanoTime();
    int drawn =
        Samples.stream(
            generator,
            tokenizer,
            prompt,
            tokens,
            sampling.settings(),
            piece -> {
              if (json.isSet()) {
                text.append(piece);
              } else {
                out.print(Printable.text(piece));
                out.flush();
              }
            });
    if (json.isSet()) {
      ObjectNode node = JsonNodeFactory.instance.objectNode();
      node.put("event", "sample")
          .put("prompt", prompt)
          .put("text", text.toString())
          .put("tokens", drawn)
          .put("ms", (System.nanoTime() - start) / 1e6);
      JsonOption.print(out, node);
    } else {
      out.println();
    }
  }
}
