package dev.anneal.terminal.option;

import dev.anneal.checkpoint.OutputFile;
import dev.anneal.checkpoint.WrittenContent;
import dev.anneal.failure.Failure;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.text.Streams;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** How a command treats what is there under the name of a file that it is to write. */
public final class OutputOptions {
  private static final int STANDARD_OUTPUT = 1;

  @Option(
      names = "--force",
      description = "replace a file of any kind; without it, only one of the kind written")
  private boolean force;

  /**
   * What {@code named} stands for; fails when it is not to be written.
   *
   * @see OutputFile#of
   */
  public OutputFile file(Shell shell, Path named, WrittenContent content) {
    OutputFile file = OutputFile.of(named, content, force);
    if (file.isStandardOutput()) {
      boolean drawn = shell.use() == Shell.Use.PROMPT || shell.use() == Shell.Use.DASHBOARD;
      if (drawn || content.isBinary() && Streams.isTerminal(STANDARD_OUTPUT)) {
        throw Failure.usage(
            "standard output is this terminal, which "
                + content.words()
                + " would garble; name a file, or redirect it");
      }
      shell.out().flush();
    }
    return file;
  }

  /** Fails when there is no file that it could be about. */
  public void requireFile(boolean any) {
    if (force && !any) {
      throw Failure.usage("--force is for a file that is to be written; name one");
    }
  }
}
