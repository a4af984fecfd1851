package dev.anneal.terminal.command;

import dev.anneal.checkpoint.OutputFile;
import dev.anneal.checkpoint.WrittenContent;
import dev.anneal.plan.DType;
import dev.anneal.run.store.Checkpoints;
import dev.anneal.run.store.LlmcFiles;
import dev.anneal.run.store.RunCatalog;
import dev.anneal.run.store.SavedRun;
import dev.anneal.terminal.option.OutputOptions;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.Amounts;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code export}: a run's weights as llm.c's file. */
@Command(
    name = "export",
    description = "Write a run's weights as an llm.c checkpoint.",
    footer = {"", "Example:", "  anneal export runs/run-1 model.bin --dtype bf16"})
final class ExportCommand extends ShellCommand {
  ExportCommand(Shell shell) {
    super(shell);
  }

  /** llm.c's two versions. */
  private enum Format {
    FP32(DType.F32),
    BF16(DType.BF16);

    private final DType dtype;

    Format(DType dtype) {
      this.dtype = dtype;
    }
  }

  @Parameters(
      index = "0",
      paramLabel = "DIR",
      description = "a run's directory, or one of its checkpoints")
  private Path checkpoint;

  @Parameters(index = "1", paramLabel = "FILE", description = "file to write; - is standard output")
  private Path file;

  @Option(
      names = "--dtype",
      defaultValue = "fp32",
      description = "fp32 or bf16; ${DEFAULT-VALUE} by default")
  private Format format;

  @Mixin private OutputOptions output;

  @Override
  public Integer call() {
    OutputFile target = output.file(shell(), file, WrittenContent.LLMC_CHECKPOINT);
    Checkpoints.Saved saved = SavedRun.checkpoint(RunCatalog.place(checkpoint), this::warn);
    long bytes = LlmcFiles.export(saved, format.dtype, target);
    wrote(
        target,
        json("exported").put("file", file.toString()).put("bytes", bytes),
        file + " (" + Amounts.bytes(bytes) + ")");
    return 0;
  }
}
