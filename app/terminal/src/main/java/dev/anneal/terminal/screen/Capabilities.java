package dev.anneal.terminal.screen;

import java.io.IOException;
import java.util.List;
import org.jline.utils.InfoCmp;

/** What JLine needs to know of a type of terminal, also where the system's database lacks it. */
final class Capabilities {
  /** Emulators that name themselves, and do what xterm does. */
  private static final List<String> LIKE_XTERM =
      List.of("xterm", "alacritty", "foot", "ghostty", "kitty", "konsole", "rio", "vte", "wezterm");

  private static final List<String> LIKE_SCREEN = List.of("screen", "tmux");

  private Capabilities() {}

  /** Makes a type known to JLine, which asks another program only for what it has not by heart. */
  static void load(String type) {
    String known = InfoCmp.getDefaultInfoCmp(type);
    if (known == null) {
      known = ask(type);
    }
    InfoCmp.setLoadedInfoCmp(type, known);
  }

  /** From the system's database; of a type that is not there, what is most likely. */
  private static String ask(String type) {
    try {
      return InfoCmp.getInfoCmp(type);
    } catch (IOException e) {
      return InfoCmp.getDefaultInfoCmp(nearest(type));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return InfoCmp.getDefaultInfoCmp(nearest(type));
    }
  }

  static String nearest(String type) {
    if (LIKE_XTERM.stream().anyMatch(type::startsWith)) {
      return "xterm-256color";
    }
    return LIKE_SCREEN.stream().anyMatch(type::startsWith) ? "screen-256color" : "ansi";
  }
}
