package dev.anneal.terminal.plot;

import dev.anneal.run.log.Series;
import dev.anneal.terminal.frame.Style;

/**
 * A series as it is drawn.
 *
 * @param glyph in ASCII, in the legend, and of points
 * @param points whether each point is a mark of its own, not part of a line
 * @param tokensPerStep of its run
 */
public record Curve(
    String name, Series series, Style style, char glyph, boolean points, int tokensPerStep) {

  /** Whether its glyph stands out on it; a dot, which is for what lies behind, does not. */
  public boolean isMarked() {
    return glyph != '.';
  }
}
