package dev.anneal.terminal.dashboard;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** What a key does: the table that the loop obeys and that help and the footer print. */
enum Action {
  HELP("?", "help", "this list (also h, F1)"),
  LEAVE("q", "REPL", "back to the prompt; the run goes on (also F10)"),
  PAUSE("SPC", "pause", "pause or resume the run"),
  STEP(".", "step", "one step, then pause"),
  PROMPT("i", "prompt", "type a prompt; Enter samples from the live weights, Esc cancels"),
  AGAIN("s", "", "sample again with the last prompt"),
  COOLER("t", "", "lower the temperature of samples"),
  HOTTER("T", "", "raise the temperature of samples"),
  COMMAND(":", "cmd", "any command of the prompt; Tab completes, Up recalls"),
  FOCUS("Tab", "", "focus the next panel (Shift-Tab the one before)"),
  FULL("z", "full", "the focused panel on the whole screen (also Enter); Esc back"),
  LEFT("<-", "", "pan left (also H: h is help)"),
  RIGHT("->", "", "pan right (also l)"),
  UP("Up", "", "scroll or select up (also k)"),
  DOWN("Dn", "", "scroll or select down (also j)"),
  ZOOM_IN("+", "zoom", "zoom into x"),
  ZOOM_OUT("-", "", "zoom out of x"),
  FIT("0", "", "fit all of x"),
  FOLLOW("f", "", "follow the latest step"),
  LOG_Y("y", "log", "logarithmic y"),
  X_AXIS("x", "", "x counts steps, tokens or time"),
  FIT_Y("Y", "", "y fits all values, or all but outliers"),
  LESS_SMOOTH("{", "", "less smoothing"),
  MORE_SMOOTH("}", "smooth", "more smoothing"),
  CURVES("e", "", "raw, smoothed or both"),
  OVERLAY("o", "overlay", "choose runs to lay over this one"),
  NEXT_METRIC("m", "", "next metric"),
  PREVIOUS_METRIC("M", "", "previous metric"),
  FIND_METRIC("/", "", "a metric by name"),
  CROSSHAIR("c", "", "crosshair: the values of all curves; arrows move it"),
  SIDE("]", "", "side panels on"),
  NO_SIDE("[", "", "side panels off"),
  PANEL("1-6", "", "chart, speed, backends, samples, events, runs on or off"),
  BACKENDS("b", "", "compare the backends on the paused run"),
  CHECKPOINT("C", "", "write a checkpoint now"),
  WRITE("w", "export", "write the chart: .svg, .png, .csv, or the frame: .txt"),
  RECORD("r", "", "start or stop a record of the run"),
  GUIDES("g", "", "guide lines"),
  GLYPHS("a", "", "braille, blocks or ASCII"),
  LEVEL("L", "", "all events, or only the important ones"),
  REDRAW("^L", "", "draw everything again"),
  SUSPEND("^Z", "", "stop the program, its run too, until the shell's fg"),
  INTERRUPT("^C", "", "pause; twice within two seconds: back to the prompt");

  private final String key;
  private final String hint;
  private final String description;

  Action(String key, String hint, String description) {
    this.key = key;
    this.hint = hint;
    this.description = description;
  }

  /** As the help shows it. */
  String key() {
    return key;
  }

  /** A word for the footer; empty for what is only in the help. */
  String hint() {
    return hint;
  }

  String description() {
    return description;
  }

  /** What a key does; nothing for most. */
  static Optional<Action> of(Key key) {
    return switch (key.kind()) {
      case CHARACTER -> character(key);
      case ENTER -> Optional.of(FULL);
      case TAB, BACK_TAB -> Optional.of(FOCUS);
      case LEFT -> Optional.of(LEFT);
      case RIGHT -> Optional.of(RIGHT);
      case UP, PAGE_UP -> Optional.of(UP);
      case DOWN, PAGE_DOWN -> Optional.of(DOWN);
      case HOME -> Optional.of(FIT);
      case END -> Optional.of(FOLLOW);
      case F1 -> Optional.of(HELP);
      case F10, GONE -> Optional.of(LEAVE);
      case ESCAPE, BACKSPACE, DELETE, OTHER, NONE -> Optional.empty();
    };
  }

  private static Optional<Action> character(Key key) {
    if (key.control()) {
      return switch (Character.toLowerCase(key.character())) {
        case 'l' -> Optional.of(REDRAW);
        case 'c' -> Optional.of(INTERRUPT);
        case 'z' -> Optional.of(SUSPEND);
        default -> Optional.empty();
      };
    }
    char c = key.character();
    return switch (c) {
      case ' ' -> Optional.of(PAUSE);
      case 'h' -> Optional.of(HELP);
      case 'H' -> Optional.of(LEFT);
      case 'l' -> Optional.of(RIGHT);
      case 'k' -> Optional.of(UP);
      case 'j' -> Optional.of(DOWN);
      case '=' -> Optional.of(ZOOM_IN);
      case '1', '2', '3', '4', '5', '6' -> Optional.of(PANEL);
      default -> Arrays.stream(values()).filter(action -> action.key.equals("" + c)).findFirst();
    };
  }

  /** The actions whose hints the footer shows, in order. */
  static List<Action> hinted() {
    return Arrays.stream(values()).filter(action -> !action.hint.isEmpty()).toList();
  }
}
