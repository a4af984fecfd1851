package dev.anneal.data;

import java.util.Objects;

/** A part of another source. */
record TokenRange(TokenSource source, String name, long from, long length) implements TokenSource {

  TokenRange {
    Objects.checkFromIndexSize(from, length, source.length());
  }

  @Override
  public String description() {
    return name + " of " + source.description();
  }

  @Override
  public void read(long at, int[] into, int offset, int count) {
    Objects.checkFromIndexSize(at, count, length);
    source.read(from + at, into, offset, count);
  }

  @Override
  public int vocabulary() {
    return source.vocabulary();
  }

  @Override
  public String place(long position) {
    return source.place(from + position);
  }

  @Override
  public String fingerprint() {
    return source.fingerprint() + "[" + from + "," + (from + length) + ")";
  }
}
