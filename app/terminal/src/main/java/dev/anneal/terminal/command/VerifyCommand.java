package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.checkpoint.LlmcCheckpoint;
import dev.anneal.checkpoint.ModelFile;
import dev.anneal.checkpoint.ReferenceState;
import dev.anneal.device.Device;
import dev.anneal.eval.Verification;
import dev.anneal.eval.VerificationRecipe;
import dev.anneal.failure.ExitCode;
import dev.anneal.plan.Precision;
import dev.anneal.run.store.ModelFiles;
import dev.anneal.terminal.option.PlacementOptions;
import dev.anneal.terminal.shell.JsonOption;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code verify}: this program against PyTorch. */
@Command(
    name = "verify",
    description =
        "Check logits, loss and every gradient against a PyTorch state, then print the losses of"
            + " some AdamW steps on its batch. scripts/write-debug-state.py writes such a pair of"
            + " llm.c's files.",
    footer = {
      "",
      "Examples:",
      "  anneal verify --checkpoint models/gpt2 --state reference.safetensors",
      "  anneal verify --checkpoint model.bin --state debug_state.bin --steps 10 --lr 1e-4"
    })
final class VerifyCommand extends ShellCommand {
  VerifyCommand(Shell shell) {
    super(shell);
  }

  @Option(
      names = "--checkpoint",
      required = true,
      paramLabel = "PATH",
      description = "folder of Hugging Face's, or llm.c checkpoint")
  private Path checkpoint;

  @Option(
      names = "--state",
      required = true,
      paramLabel = "FILE",
      description =
          "for a folder, safetensors with input_ids, targets, logits, loss and grad.NAME; else"
              + " llm.c's debug state")
  private Path state;

  @Option(
      names = "--steps",
      defaultValue = "10",
      description = "AdamW steps; ${DEFAULT-VALUE} by default")
  private int steps;

  @Option(
      names = "--recipe",
      description =
          "how the steps update: llmc (all decays by 0.01), plain (no decay, no clipping) or recipe"
              + " (betas 0.9 0.95, matrices decay by 0.1, norm clipped to 1); by default llmc for"
              + " llm.c's files and plain for folders")
  private Optional<VerificationRecipe> recipe = Optional.empty();

  @Option(names = "--lr", description = "1e-4 by default, with --recipe recipe 1e-3")
  private Optional<Double> lr = Optional.empty();

  @Option(
      names = "--dtype",
      defaultValue = "fp32",
      description =
          "as for train: fp32, tf32, bf16, pure_bf16, fp8, fp8_hybrid or fp16, where the device has"
              + " it; ${DEFAULT-VALUE} by default")
  private Precision precision;

  @Option(
      names = "--tolerance",
      description =
          "of logits and loss, and of gradients relative in norm; by default 1e-5 for fp32, 0.01"
              + " for tf32 and fp16, 0.05 for bf16, 0.1 for fp8")
  private Optional<Double> tolerance = Optional.empty();

  @Mixin private PlacementOptions placement;

  @Override
  public Integer call() {
    try (ModelFile model = ModelFiles.open(checkpoint);
        ReferenceState expected = ModelFiles.openState(state, model);
        Device device = placement.open()) {
      VerificationRecipe how =
          recipe.orElse(
              model instanceof LlmcCheckpoint ? VerificationRecipe.LLMC : VerificationRecipe.PLAIN);
      Verification result =
          Verification.run(device, precision, model, expected, how, steps, lr.orElse(how.lr()));
      boolean ok = result.within(tolerance());
      PrintWriter out = out();
      if (asJson()) {
        JsonOption.print(out, asJson(result, ok));
      } else {
        print(out, result, ok);
      }
      return ok ? ExitCode.DONE.code() : ExitCode.NUMBERS.code();
    }
  }

  private double tolerance() {
    return tolerance.orElse(Verification.tolerance(precision));
  }

  private void print(PrintWriter out, Verification result, boolean ok) {
    out.printf(Locale.ROOT, "logits    largest difference %.3g%n", result.logitsMaxAbs());
    out.printf(
        Locale.ROOT, "loss      %.7f, expected %.7f%n", result.loss(), result.lossExpected());
    out.printf(Locale.ROOT, "%-10s %12s %12s%n", "gradient", "max abs", "relative");
    result
        .gradients()
        .forEach(
            g ->
                out.printf(
                    Locale.ROOT, "%-10s %12.3g %12.3g%n", g.name(), g.maxAbs(), g.relative()));
    int step = 0;
    for (double loss : result.losses()) {
      out.printf(Locale.ROOT, "step %-4d loss %.6f%n", step++, loss);
    }
    out.printf(Locale.ROOT, "%s within %.3g%n", ok ? "OK: all" : "WRONG: not all", tolerance());
  }

  private static ObjectNode asJson(Verification result, boolean ok) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("event", "verify")
        .put("ok", ok)
        .put("logits_max_abs", result.logitsMaxAbs())
        .put("loss", result.loss())
        .put("loss_expected", result.lossExpected());
    ArrayNode gradients = node.putArray("gradients");
    result
        .gradients()
        .forEach(
            g ->
                gradients
                    .addObject()
                    .put("name", g.name())
                    .put("max_abs", g.maxAbs())
                    .put("relative", g.relative()));
    ArrayNode losses = node.putArray("losses");
    result.losses().forEach(losses::add);
    return node;
  }
}
