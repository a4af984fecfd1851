package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.checkpoint.Checkpoint;
import dev.anneal.checkpoint.ModelFile;
import dev.anneal.run.store.ImportedRun;
import dev.anneal.run.store.ModelFiles;
import dev.anneal.terminal.shell.JsonOption;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.Amounts;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code import}: another program's model becomes a run at step 0. */
@Command(
    name = "import",
    description =
        "Make a run directory from a folder of Hugging Face's, or from an llm.c checkpoint (version"
            + " 3, fp32, or 5, bf16).",
    footer = {
      "",
      "Examples:",
      "  anneal import models/gpt2 --out runs/gpt2",
      "  anneal import gpt2_124M.bin --out runs/gpt2"
    })
final class ImportCommand extends ShellCommand {
  ImportCommand(Shell shell) {
    super(shell);
  }

  @Parameters(paramLabel = "PATH", description = "folder with config.json, or llm.c checkpoint")
  private Path file;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "run directory to make")
  private Path out;

  @Override
  public Integer call() {
    try (ModelFile source = ModelFiles.open(file)) {
      Checkpoint made = ImportedRun.make(source, out);
      if (asJson()) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("event", "imported")
            .put("checkpoint", made.directory().toString())
            .put("bytes", made.bytes());
        JsonOption.print(out(), node);
      } else {
        say("%s (%s)", made.directory(), Amounts.bytes(made.bytes()));
      }
    }
    return 0;
  }
}
