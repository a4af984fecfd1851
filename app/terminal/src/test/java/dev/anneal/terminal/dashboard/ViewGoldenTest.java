package dev.anneal.terminal.dashboard;

import dev.anneal.terminal.text.Look.Glyphs;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the keys make of a frame, pressed in the loop that reads them. */
class ViewGoldenTest {

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "help-80x24, 80, 24, ?",
    "help-80x24-below, 80, 24, ?<PageDown><PageDown><PageDown><PageDown><PageDown><Up>",
    "help-120x40, 120, 40, ?",
    "help-40x10, 40, 10, ?<PageDown>",
    "crosshair, 120, 40, c",
    "crosshair-left, 80, 24, c<Left><Left><Left><Left><Left><Left><Left><Left><Left><Left>",
    "log-y, 80, 24, y",
    "zoomed, 80, 24, ++",
    "panned, 80, 24, ++<Left><Left>",
    "follows-again, 80, 24, ++<Left><Left>f",
    "fits-again, 80, 24, ++<Left>0",
    "fit-y, 80, 24, Y",
    "x-tokens, 80, 24, x",
    "x-time, 80, 24, xx",
    "raw-only, 80, 24, ee",
    "smoothed-only, 80, 24, e}}}}}",
    "no-smoothing, 80, 24, {{{{{{{{",
    "guides, 80, 24, g",
    "metric-lr, 80, 24, mm",
    "metric-by-name, 80, 24, /grad<Enter>",
    "metric-unknown, 80, 24, /perplexity<Enter>",
    "overlay-list, 120, 40, o<Down>",
    "overlaid, 120, 40, o<Down><Enter><Down><Enter><Escape>",
    "prompt-line, 80, 24, iOnce upon a time",
    "prompt-line-long, 40, 10, iOnce upon a time there was a line that is longer than the screen",
    "command-line, 80, 24, :set lr 1e-4",
    "command-result, 80, 24, :status<Enter>",
    "completed, 80, 24, :pause;st<Tab>",
    "file-line, 80, 24, wloss.svg",
    "full-chart, 80, 24, z",
    "full-speed, 80, 24, <Tab>z",
    "full-backends, 80, 24, <Tab><Tab>z",
    "full-samples, 80, 24, <Tab><Tab><Tab>z",
    "full-events, 80, 24, <Tab><Tab><Tab><Tab>z",
    "full-runs, 80, 24, <BackTab>z",
    "important-events, 120, 40, L",
    "no-side-panels, 120, 40, [",
    "without-2-and-5, 120, 40, 25",
    "blocks, 80, 24, a",
    "ascii, 120, 40, aa"
  })
  void looksAsItDid(String name, int columns, int rows, String keys) {
    VirtualScreen screen = new VirtualScreen(columns, rows);
    DashboardLoop loop = new DashboardLoop(new SceneControls(Histories.LONG), Glyphs.BRAILLE);
    Golden.check("view/" + name, screen.run(loop, keys));
  }
}
