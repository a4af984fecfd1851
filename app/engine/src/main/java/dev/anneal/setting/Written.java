package dev.anneal.setting;

import dev.anneal.failure.Failure;
import java.nio.file.Path;

/** Where a value of a {@link Setting} was written, which decides how a failure names it. */
public sealed interface Written {
  /** In a program, or as an option of the command line. */
  Written OPTION = new Option();

  /** At a prompt or in a script, by {@code set}. */
  Written LIVE = new Live();

  /** In a saved run, or another file that the program reads. */
  static Written in(Path file) {
    return new Saved(file);
  }

  String name(Setting setting);

  Failure failure(String message);

  /** {@code lr}, as whoever shows the failure spells it. */
  record Option() implements Written {
    @Override
    public String name(Setting setting) {
      return setting.marked();
    }

    @Override
    public Failure failure(String message) {
      return Failure.usage(message);
    }
  }

  /** {@code lr}, as {@code set} has it. */
  record Live() implements Written {
    @Override
    public String name(Setting setting) {
      return setting.key();
    }

    @Override
    public Failure failure(String message) {
      return Failure.usage(message);
    }
  }

  /** {@code runs/run-1/step_10/manifest.json: schedule.peak}. */
  record Saved(Path file) implements Written {
    @Override
    public String name(Setting setting) {
      return file + ": " + setting.field();
    }

    @Override
    public Failure failure(String message) {
      return Failure.failed(message);
    }
  }
}
