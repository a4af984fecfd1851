package dev.anneal.terminal;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.checkpoint.Checkpoint;
import dev.anneal.checkpoint.LlmcCheckpoint;
import dev.anneal.session.LlmcFiles;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code import}: an llm.c checkpoint becomes a run at step 0. */
@Command(
    name = "import",
    description = "Make a run directory from an llm.c checkpoint (version 3, fp32, or 5, bf16).",
    footer = {"", "Example:", "  anneal import gpt2_124M.bin --out runs/gpt2"})
final class ImportCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private JsonOption json;

  @Parameters(paramLabel = "FILE", description = "llm.c checkpoint")
  private Path file;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "run directory to make")
  private Path out;

  @Option(names = "--help", usageHelp = true, description = "show this")
  private boolean help;

  @Override
  public Integer call() {
    try (LlmcCheckpoint source = LlmcCheckpoint.open(file)) {
      Checkpoint made = LlmcFiles.importTo(source, out);
      if (json.isSet()) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("event", "imported")
            .put("checkpoint", made.directory().toString())
            .put("bytes", made.bytes());
        JsonOption.print(spec.commandLine().getOut(), node);
      } else {
        spec.commandLine()
            .getOut()
            .println(made.directory() + " (" + Amounts.bytes(made.bytes()) + ")");
      }
    }
    return 0;
  }
}
