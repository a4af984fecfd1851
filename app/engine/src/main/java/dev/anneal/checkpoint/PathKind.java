package dev.anneal.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/** What a path leads to, links followed. */
public enum PathKind {
  NOTHING("is not there"),
  FILE("is a file"),
  FOLDER("is a directory"),
  PIPE("is a pipe"),
  CHARACTERS("is a device"),
  BLOCKS("is a disk"),
  SOCKET("is a socket");

  // The file type in a mode, as every Unix has it.
  private static final int TYPE = 0xF000;
  private static final int FIFO = 0x1000;
  private static final int CHARACTER_DEVICE = 0x2000;
  private static final int BLOCK_DEVICE = 0x6000;
  private static final int UNIX_SOCKET = 0xC000;

  private final String words;

  PathKind(String words) {
    this.words = words;
  }

  /** Such as {@code is a pipe}. */
  public String words() {
    return words;
  }

  /** What cannot be looked at is nothing here: opening it says why. */
  public static PathKind of(Path path) {
    if (Files.isRegularFile(path)) {
      return FILE;
    }
    if (Files.isDirectory(path)) {
      return FOLDER;
    }
    return switch (mode(path) & TYPE) {
      case FIFO -> PIPE;
      case CHARACTER_DEVICE -> CHARACTERS;
      case BLOCK_DEVICE -> BLOCKS;
      case UNIX_SOCKET -> SOCKET;
      default -> NOTHING;
    };
  }

  /** Whether it names what a process has open; its links may lead to no path. */
  static boolean isOfProcess(Path path) {
    return path.toString().matches("/dev/std(in|out|err)|/dev/fd/\\d+|/proc/[^/]+/fd/\\d+");
  }

  private static int mode(Path path) {
    try {
      return Files.getAttribute(path, "unix:mode", new LinkOption[0]) instanceof Integer mode
          ? mode
          : 0;
    } catch (IOException | UnsupportedOperationException e) {
      return 0;
    }
  }
}
