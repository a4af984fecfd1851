package dev.anneal.terminal;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.checkpoint.CheckpointDirectory;
import dev.anneal.plan.DType;
import dev.anneal.session.Checkpoints;
import dev.anneal.session.LlmcFiles;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code export}: a run's weights as llm.c's file. */
@Command(
    name = "export",
    description = "Write a run's weights as an llm.c checkpoint.",
    footer = {"", "Example:", "  anneal export runs/run-1 model.bin --dtype bf16"})
final class ExportCommand implements Callable<Integer> {
  /** llm.c's two versions. */
  private enum Format {
    FP32(DType.F32),
    BF16(DType.BF16);

    private final DType dtype;

    Format(DType dtype) {
      this.dtype = dtype;
    }
  }

  @Spec private CommandSpec spec;
  @Mixin private JsonOption json;

  @Parameters(
      index = "0",
      paramLabel = "DIR",
      description = "a run's directory, or one of its checkpoints")
  private Path checkpoint;

  @Parameters(index = "1", paramLabel = "FILE", description = "file to write")
  private Path file;

  @Option(
      names = "--dtype",
      defaultValue = "fp32",
      description = "fp32 or bf16; ${DEFAULT-VALUE} by default")
  private Format format;

  @Option(names = "--help", usageHelp = true, description = "show this")
  private boolean help;

  @Override
  public Integer call() {
    Checkpoints.Saved saved = Checkpoints.Saved.open(CheckpointDirectory.find(checkpoint));
    long bytes = LlmcFiles.export(saved, format.dtype, file);
    if (json.isSet()) {
      ObjectNode node = JsonNodeFactory.instance.objectNode();
      node.put("event", "exported").put("file", file.toString()).put("bytes", bytes);
      JsonOption.print(spec.commandLine().getOut(), node);
    } else {
      spec.commandLine().getOut().println(file + " (" + Amounts.bytes(bytes) + ")");
    }
    return 0;
  }
}
