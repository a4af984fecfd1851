package dev.anneal.data;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** Tells how far it was read. */
final class CountedInput extends FilterInputStream {
  private static final int EVERY = 1 << 20;

  private final ReadingProgress progress;
  private final String name;
  private final long all;
  private long done;
  private long told;

  CountedInput(InputStream in, ReadingProgress progress, String name, long before, long all) {
    super(in);
    this.progress = progress;
    this.name = name;
    this.done = before;
    this.told = before;
    this.all = all;
  }

  /** Bytes so far, those of the files before among them. */
  long done() {
    return done;
  }

  @Override
  public int read(byte[] into, int offset, int count) throws IOException {
    int n = in.read(into, offset, count);
    done += Math.max(0, n);
    if (done - told >= EVERY) {
      told = done;
      progress.at(name, done, all);
    }
    return n;
  }
}
