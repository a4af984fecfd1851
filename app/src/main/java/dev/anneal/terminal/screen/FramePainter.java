package dev.anneal.terminal.screen;

import com.googlecode.lanterna.SGR;
import com.googlecode.lanterna.TerminalSize;
import com.googlecode.lanterna.TextCharacter;
import com.googlecode.lanterna.TextColor;
import com.googlecode.lanterna.screen.Screen;
import dev.anneal.terminal.frame.Frame;
import dev.anneal.terminal.frame.Palette;
import dev.anneal.terminal.frame.Style;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Paints frames on a Lanterna screen, which sends the cells that changed. */
public final class FramePainter {
  private final Screen screen;
  private final Map<Style, Map<Integer, TextCharacter>> cells = new HashMap<>();

  public FramePainter(Screen screen) {
    this.screen = screen;
  }

  /** Shows a frame; what the terminal has no room for is cut off. */
  public void paint(Frame frame) throws IOException {
    Optional.ofNullable(screen.doResizeIfNecessary()).ifPresent(size -> {});
    TerminalSize size = screen.getTerminalSize();
    for (int y = 0; y < Math.min(frame.height(), size.getRows()); y++) {
      for (int x = 0; x < Math.min(frame.width(), size.getColumns()); x++) {
        screen.setCharacter(x, y, cell(frame.character(x, y), frame.style(x, y)));
      }
    }
    screen.refresh(Screen.RefreshType.AUTOMATIC);
  }

  /** Making a text character is slow and makes garbage; there are few different ones. */
  private TextCharacter cell(int character, Style style) {
    return cells
        .computeIfAbsent(style, s -> new HashMap<>())
        .computeIfAbsent(character, c -> make(c, style));
  }

  private static TextCharacter make(int character, Style style) {
    Palette.Ink ink = Palette.ink(style);
    TextColor color =
        ink.color() < 0
            ? TextColor.ANSI.DEFAULT
            : new TextColor.RGB(ink.color() >> 16 & 255, ink.color() >> 8 & 255, ink.color() & 255);
    List<SGR> modifiers = new ArrayList<>();
    if (ink.bold()) {
      modifiers.add(SGR.BOLD);
    }
    if (ink.reverse()) {
      modifiers.add(SGR.REVERSE);
    }
    return TextCharacter.fromCharacter(
        (char) character, color, TextColor.ANSI.DEFAULT, modifiers.toArray(SGR[]::new))[0];
  }
}
