package dev.anneal.data;

/** Hears how far a large text has been read; what it throws ends the reading. */
@FunctionalInterface
public interface ReadingProgress {
  ReadingProgress NONE = (name, done, all) -> {};

  /** {@code done} of {@code all} bytes of {@code name} have been read. */
  void at(String name, long done, long all);
}
