package dev.anneal.setting;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** What a user may have meant by a name that there is not. */
public final class Nearest {
  private Nearest() {}

  /** {@code ; did you mean NAME?} or nothing. */
  public static String to(String name, Collection<String> names) {
    return of(name, names).map(near -> "; did you mean " + near + "?").orElse("");
  }

  /** {@code ; did you mean NAME? There are NAMES}, or {@code ; there are NAMES}. */
  public static String among(String name, Collection<String> names) {
    String near = to(name, names);
    return near + (near.isEmpty() ? "; there are " : " There are ") + String.join(", ", names);
  }

  /** The name that takes the fewest edits, if it is near at all. */
  public static Optional<String> of(String name, Collection<String> names) {
    return names.stream()
        .filter(other -> distance(name, other) <= Math.max(1, name.length() / 3))
        .min(Comparator.comparingInt(other -> distance(name, other)));
  }

  /** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
  static int distance(String a, String b) {
    int[][] d = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          d[i][j] = i + j;
          continue;
        }
        boolean same = a.charAt(i - 1) == b.charAt(j - 1);
        d[i][j] =
            Math.min(d[i - 1][j - 1] + (same ? 0 : 1), 1 + Math.min(d[i - 1][j], d[i][j - 1]));
        boolean swapped =
            i > 1
                && j > 1
                && a.charAt(i - 1) == b.charAt(j - 2)
                && a.charAt(i - 2) == b.charAt(j - 1);
        if (swapped) {
          d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
        }
      }
    }
    return d[a.length()][b.length()];
  }
}
