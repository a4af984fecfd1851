package dev.anneal.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A shape as an op's record declares it, such as {@code "B,T,3C"}: a name is the same size wherever
 * it stands in the op, and an integer or boolean component's name is its value.
 *
 * <ul>
 *   <li>{@code "C"}, {@code "3C"}, {@code "3"}, {@code "_"}: a size, three times one, 3, any
 *   <li>{@code "Vp>=V"}: a size that is no smaller than another
 *   <li>{@code "...,C"}: any sizes before C, the same wherever {@code ...} stands; {@code
 *       "M...,C"}: any whose product is M; {@code "_..."}: any
 *   <li>{@code ""}: a scalar
 *   <li>{@code "transposed ? C,R : R,C"}: one of two
 * </ul>
 *
 * @param condition the component that chooses; empty where there is one alternative
 * @param otherwise where the condition does not hold
 */
record ShapePattern(Optional<String> condition, List<String> sizes, List<String> otherwise) {
  private static final Pattern CHOICE = Pattern.compile("(\\w+) \\? (.*) : (.*)");
  private static final Pattern SIZE = Pattern.compile("(\\d*)([A-Za-z]\\w*)?(?:>=(\\w+))?");
  private static final String MORE = "...";
  private static final String ANY = "_";

  static ShapePattern of(String text) {
    Matcher choice = CHOICE.matcher(text);
    return choice.matches()
        ? new ShapePattern(
            Optional.of(choice.group(1)), split(choice.group(2)), split(choice.group(3)))
        : new ShapePattern(Optional.empty(), split(text), List.of());
  }

  private static List<String> split(String text) {
    List<String> sizes = text.isEmpty() ? List.of() : List.of(text.split(",", -1));
    for (int i = 0; i < sizes.size(); i++) {
      String size = sizes.get(i);
      boolean more = i == 0 && size.endsWith(MORE);
      String name = more ? size.substring(0, size.length() - MORE.length()) : size;
      boolean well = more && name.isEmpty() || name.equals(ANY) || isSize(name);
      if (!well) {
        throw new IllegalStateException("\"" + text + "\" has no size \"" + size + "\"");
      }
    }
    return sizes;
  }

  private static boolean isSize(String text) {
    return !text.isEmpty() && SIZE.matcher(text).matches();
  }

  /** What the names of an op's shapes stand for, as far as its tensors have said. */
  static final class Sizes {
    private final Map<String, Long> values = new HashMap<>();
    private Optional<List<Integer>> leading = Optional.empty();

    /** Gives an integer component's name its value. */
    void set(String name, long value) {
      values.put(name, value);
    }

    private boolean matches(String size, long actual) {
      if (size.equals(ANY)) {
        return true;
      }
      Matcher parts = SIZE.matcher(size);
      if (!parts.matches()) {
        return false;
      }
      long factor = factor(parts);
      Optional<String> name = Optional.ofNullable(parts.group(2));
      if (name.isEmpty()) {
        return actual == factor;
      }
      long least = Optional.ofNullable(parts.group(3)).map(values::get).orElse(actual);
      long value = values.computeIfAbsent(name.get(), any -> actual / factor);
      return actual == value * factor && actual >= least;
    }

    private static long factor(Matcher parts) {
      return parts.group(1).isEmpty() ? 1 : Long.parseLong(parts.group(1));
    }

    private boolean matchesMore(String name, List<Integer> dims) {
      if (!name.isEmpty()) {
        return matches(name, new Shape(dims).elements());
      }
      List<Integer> before = leading.orElse(dims);
      leading = Optional.of(before);
      return before.equals(dims);
    }

    private String text(String size) {
      if (size.equals(MORE)) {
        return leading
            .map(dims -> dims.isEmpty() ? "" : dims.toString().replaceAll("[\\[\\]]", ""))
            .orElse(size);
      }
      Matcher parts = SIZE.matcher(size);
      Optional<String> name =
          parts.matches() ? Optional.ofNullable(parts.group(2)) : Optional.empty();
      if (name.isEmpty()) {
        return size;
      }
      Optional<Long> value = Optional.ofNullable(values.get(name.get()));
      if (value.isPresent()) {
        return String.valueOf(value.get() * factor(parts));
      }
      return Optional.ofNullable(parts.group(3))
          .flatMap(least -> Optional.ofNullable(values.get(least)))
          .map(least -> name.get() + ">=" + least)
          .orElse(size);
    }
  }

  /** The alternative that a component chooses. */
  private List<String> chosen(Predicate<String> holds) {
    return condition.filter(name -> !holds.test(name)).isPresent() ? otherwise : sizes;
  }

  /**
   * The shape that was expected, where {@code shape} is another; gives values to names that have
   * none yet.
   *
   * @param holds whether a boolean component is true
   */
  Optional<String> mismatch(Shape shape, Sizes known, Predicate<String> holds) {
    List<String> wanted = chosen(holds);
    boolean more = !wanted.isEmpty() && wanted.getFirst().endsWith(MORE);
    int fixed = wanted.size() - (more ? 1 : 0);
    int free = shape.rank() - fixed;
    boolean matches = more ? free >= 0 : free == 0;
    String expected = expected(wanted, known);
    if (matches && more) {
      String first = wanted.getFirst();
      matches =
          known.matchesMore(
              first.substring(0, first.length() - MORE.length()), shape.dims().subList(0, free));
    }
    for (int i = 0; matches && i < fixed; i++) {
      matches = known.matches(wanted.get(wanted.size() - fixed + i), shape.dim(free + i));
    }
    return matches ? Optional.empty() : Optional.of(expected);
  }

  private static String expected(List<String> wanted, Sizes known) {
    List<String> sizes = new ArrayList<>();
    wanted.stream().map(known::text).filter(text -> !text.isEmpty()).forEach(sizes::add);
    return "(" + String.join(", ", sizes) + ")";
  }
}
