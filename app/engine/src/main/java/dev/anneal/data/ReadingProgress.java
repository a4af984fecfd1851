package dev.anneal.data;

/** Hears how far a large text has been read; what it throws ends the reading. */
@FunctionalInterface
public interface ReadingProgress {
  ReadingProgress NONE = (name, done, all) -> {};

  /** {@code done} of {@code all} bytes of {@code name} have been read. */
  void at(String name, long done, long all);

  /** Tells {@code other} from half a second after now on, and not more often than that. */
  static ReadingProgress everyHalfSecond(ReadingProgress other) {
    return new ReadingProgress() {
      private static final long NANOS = 500_000_000;
      private long told = System.nanoTime();

      @Override
      public void at(String name, long done, long all) {
        if (System.nanoTime() - told >= NANOS) {
          told = System.nanoTime();
          other.at(name, done, all);
        }
      }
    };
  }
}
