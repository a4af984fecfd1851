package dev.anneal.terminal.dashboard;

import dev.anneal.terminal.plot.Picture;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * What a dashboard can do to a run. None of these waits for a step to be over; what cannot be done
 * fails with the reason, now or as {@link #news}.
 */
public interface Controls {
  /** Changes with every event of the run. */
  long revision();

  Scene scene(List<String> overlays);

  /** A line on something that was asked for and is done, or failed; each once. */
  Optional<String> news();

  void togglePause();

  void pause();

  void step();

  void checkpoint();

  void sample(String prompt);

  /** Adds to the temperature of samples. */
  void warm(double by);

  void toggleRecord();

  /** Looks which backends there are, and compares them on a paused run. */
  void compareBackends();

  /** Runs a command of the prompt; what it printed goes to {@code done}, on any thread. */
  void execute(String line, Consumer<List<String>> done);

  /** Ends the command or comparison that was begun here, when one is in progress. */
  void close();

  /** What the line could become. */
  List<String> complete(String line);

  /**
   * Writes the chart or the frame.
   *
   * @param force replace a file of any kind
   */
  void write(Path file, boolean force, Export export);

  /** What a dashboard has to write. */
  interface Export {
    byte[] chart(Picture.Format format);

    String csv();

    String text();
  }
}
