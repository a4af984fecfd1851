package dev.anneal.run;

import dev.anneal.plan.Elements;
import dev.anneal.plan.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * A tensor as a person looks at it.
 *
 * @param mean of the finite elements, summed in float64
 * @param deviation the standard deviation of these
 * @param histogram finite elements in {@value #BINS} equal bins from {@code min} to {@code max}
 * @param values of the slice, in C order; at most {@value #SHOWN}
 */
public record Inspection(
    Tensor tensor,
    Slice slice,
    double min,
    double max,
    double mean,
    double deviation,
    long nonFinite,
    long[] histogram,
    List<Float> values) {
  public static final int BINS = 24;
  static final int SHOWN = 4096;
  private static final int CHUNK = 1 << 20;

  public Inspection {
    values = List.copyOf(values);
  }

  /** Fills a segment from a tensor's byte {@code offset} on. */
  @FunctionalInterface
  interface Source {
    void read(long offset, MemorySegment into);
  }

  /** Reads all of {@code tensor} twice: once for its range and moments, once for the histogram. */
  static Inspection of(Tensor tensor, Slice slice, Source source) {
    Moments moments = new Moments();
    each(tensor, source, moments::add);
    double min = moments.finite == 0 ? Double.NaN : moments.min;
    double max = moments.finite == 0 ? Double.NaN : moments.max;
    long[] histogram = new long[BINS];
    double width = (max - min) / BINS;
    each(
        tensor,
        source,
        value -> {
          if (Float.isFinite(value)) {
            int bin = width > 0 ? (int) Math.min(BINS - 1, (value - min) / width) : 0;
            histogram[bin]++;
          }
        });
    return new Inspection(
        tensor,
        slice,
        min,
        max,
        moments.mean(),
        moments.deviation(),
        moments.nonFinite,
        histogram,
        values(tensor, slice, source));
  }

  @FunctionalInterface
  private interface Visitor {
    void visit(float value);
  }

  private static void each(Tensor tensor, Source source, Visitor visitor) {
    try (Arena arena = Arena.ofConfined()) {
      long size = tensor.dtype().bytes();
      MemorySegment chunk = arena.allocate(Math.min(CHUNK, tensor.bytes()), 64);
      for (long from = 0; from < tensor.bytes(); from += chunk.byteSize()) {
        MemorySegment part = chunk.asSlice(0, Math.min(chunk.byteSize(), tensor.bytes() - from));
        source.read(from, part);
        for (long i = 0; i < part.byteSize() / size; i++) {
          visitor.visit(Elements.get(part, tensor.dtype(), i));
        }
      }
    }
  }

  private static List<Float> values(Tensor tensor, Slice slice, Source source) {
    List<Float> values = new ArrayList<>();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment one = arena.allocate(tensor.dtype().bytes());
      slice
          .offsets()
          .limit(SHOWN)
          .forEach(
              element -> {
                source.read(element * tensor.dtype().bytes(), one);
                values.add(Elements.get(one, tensor.dtype(), 0));
              });
    }
    return values;
  }

  /** Welford's running mean and variance: no cancellation for a tensor far from 0. */
  private static final class Moments {
    private double min = Double.POSITIVE_INFINITY;
    private double max = Double.NEGATIVE_INFINITY;
    private double mean;
    private double squares;
    private long finite;
    private long nonFinite;

    void add(float value) {
      if (!Float.isFinite(value)) {
        nonFinite++;
        return;
      }
      finite++;
      min = Math.min(min, value);
      max = Math.max(max, value);
      double delta = value - mean;
      mean += delta / finite;
      squares += delta * (value - mean);
    }

    double mean() {
      return finite == 0 ? Double.NaN : mean;
    }

    double deviation() {
      return finite == 0 ? Double.NaN : Math.sqrt(squares / finite);
    }
  }
}
