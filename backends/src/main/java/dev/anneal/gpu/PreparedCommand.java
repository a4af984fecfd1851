package dev.anneal.gpu;

/** A command with all that the driver wants of it made before the first run. */
@FunctionalInterface
public interface PreparedCommand {
  /** Tells the stream. */
  void enqueue();
}
