package dev.anneal.run;

import dev.anneal.failure.Failure;
import dev.anneal.plan.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/**
 * Part of a tensor, as in {@code [0, :8, -1]}: per dimension an index, a range, or {@code :} for
 * all of it. Dimensions that are not named are whole; negative numbers count from the end.
 */
public record Slice(Shape shape, List<Range> ranges) {

  /** Indices from {@code from} to before {@code to}. */
  public record Range(int from, int to) {
    public int length() {
      return to - from;
    }
  }

  public Slice {
    ranges = List.copyOf(ranges);
  }

  /** The first few of each dimension, so that a person can read them. */
  public static Slice corner(Shape shape) {
    List<Range> ranges = new ArrayList<>();
    for (int i = 0; i < shape.rank(); i++) {
      int most = i >= shape.rank() - 2 ? 6 : 1;
      ranges.add(new Range(0, Math.min(most, shape.dims().get(i))));
    }
    return new Slice(shape, ranges);
  }

  /**
   * Reads a slice of a tensor of {@code shape}.
   *
   * @throws Failure naming the dimension that it does not fit
   */
  public static Slice parse(String text, Shape shape) {
    String inner = text.strip();
    if (inner.startsWith("[") && inner.endsWith("]")) {
      inner = inner.substring(1, inner.length() - 1);
    }
    String[] parts = inner.isBlank() ? new String[0] : inner.split(",", -1);
    if (parts.length > shape.rank()) {
      throw Failure.usage(
          "the slice '"
              + text
              + "' has "
              + parts.length
              + " parts; the tensor's shape is "
              + shape);
    }
    List<Range> ranges = new ArrayList<>();
    for (int i = 0; i < shape.rank(); i++) {
      int size = shape.dims().get(i);
      ranges.add(i < parts.length ? range(parts[i].strip(), size, text) : new Range(0, size));
    }
    return new Slice(shape, ranges);
  }

  private static Range range(String part, int size, String text) {
    int colon = part.indexOf(':');
    if (colon < 0) {
      int index = index(part, size, text);
      return checked(index, index + 1, size, text);
    }
    String from = part.substring(0, colon).strip();
    String to = part.substring(colon + 1).strip();
    return checked(
        from.isEmpty() ? 0 : index(from, size, text),
        to.isEmpty() ? size : index(to, size, text),
        size,
        text);
  }

  private static Range checked(int from, int to, int size, String text) {
    if (from < 0 || to > size || from >= to) {
      throw Failure.usage(
          "the slice '"
              + text
              + "' takes "
              + from
              + " to "
              + to
              + " of a dimension that has 0 to "
              + size);
    }
    return new Range(from, to);
  }

  private static int index(String number, int size, String text) {
    try {
      int index = Integer.parseInt(number);
      return index < 0 ? index + size : index;
    } catch (NumberFormatException e) {
      throw Failure.usage(
          "'" + number + "' in the slice '" + text + "' is no index; expected such as [0,:8]");
    }
  }

  /** The elements' positions in the tensor, in C order. */
  public LongStream offsets() {
    LongStream offsets = LongStream.of(0);
    for (int i = 0; i < ranges.size(); i++) {
      Range range = ranges.get(i);
      int size = shape.dims().get(i);
      offsets =
          offsets.flatMap(
              before ->
                  LongStream.range(range.from(), range.to()).map(index -> before * size + index));
    }
    return offsets;
  }

  /** The length of the innermost dimension. */
  public int rowLength() {
    return ranges.isEmpty() ? 1 : ranges.getLast().length();
  }

  @Override
  public String toString() {
    return ranges.stream()
        .map(r -> r.length() == 1 ? "" + r.from() : r.from() + ":" + r.to())
        .collect(Collectors.joining(",", "[", "]"));
  }
}
