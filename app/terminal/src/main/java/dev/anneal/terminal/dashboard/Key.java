package dev.anneal.terminal.dashboard;

/**
 * A key as it was pressed.
 *
 * @param character of {@link Kind#CHARACTER}, otherwise 0
 */
public record Key(Kind kind, char character, boolean control) {

  /** Keys that are no characters. */
  public enum Kind {
    CHARACTER,
    ENTER,
    ESCAPE,
    TAB,
    BACK_TAB,
    UP,
    DOWN,
    LEFT,
    RIGHT,
    HOME,
    END,
    PAGE_UP,
    PAGE_DOWN,
    BACKSPACE,
    DELETE,
    F1,
    F10,
    OTHER,
    /** No key, but a reason to draw. */
    NONE,
    /** The terminal is gone: nobody is there to press another key. */
    GONE
  }

  public static Key of(char character) {
    return new Key(Kind.CHARACTER, character, false);
  }

  public static Key of(Kind kind) {
    return new Key(kind, '\0', false);
  }
}
