package dev.anneal.terminal.shell;

import picocli.CommandLine;

/** The commands that a shell has. */
@FunctionalInterface
public interface CommandSet {
  /** Adds them, in the order in which help lists them. */
  void addTo(CommandLine line, Shell shell);
}
