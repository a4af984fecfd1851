package dev.anneal.checkpoint;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** The words for what can be wrong with any file. */
public final class FileFailures {
  private static final int SHOWN = 80;

  private FileFailures() {}

  public static Failure cannotRead(Path path, IOException e) {
    if (e instanceof NoSuchFileException) {
      return Failure.failed(shown(path) + " does not exist; check the path");
    }
    return new Failure(ExitCode.FAILED, "cannot read " + shown(path) + ": " + reason(e), e);
  }

  public static Failure cannotWrite(Path path, IOException e) {
    return new Failure(ExitCode.FAILED, "cannot write " + shown(path) + ": " + reason(e), e);
  }

  /**
   * The size of a file that is there and is no directory, device or pipe.
   *
   * @throws Failure otherwise
   */
  public static long sizeOfRegularFile(Path path) {
    try {
      if (Files.isDirectory(path)) {
        throw Failure.failed(shown(path) + " is a directory; expected a file");
      }
      if (Files.exists(path) && !Files.isRegularFile(path)) {
        throw Failure.failed(shown(path) + " is no regular file; copy its content to one");
      }
      return Files.size(path);
    } catch (IOException e) {
      throw cannotRead(path, e);
    }
  }

  /** The reason alone, without the path that some messages repeat. */
  public static String reason(IOException e) {
    return switch (e) {
      case AccessDeniedException denied -> "permission denied";
      case FileAlreadyExistsException exists -> exists.getFile() + " is there and no directory";
      case NoSuchFileException missing -> missing.getFile() + " does not exist";
      case FileSystemLoopException loop -> "its symbolic links lead in a circle";
      case FileSystemException other when other.getReason() != null -> other.getReason();
      case CharacterCodingException notUtf8 -> "it is not UTF-8 text";
      case IOException other when other.getMessage() != null -> shown(other.getMessage());
      default -> e.getClass().getSimpleName();
    };
  }

  /** A path, fit to be shown. */
  public static String shown(Path path) {
    return shown(path.toString(), 4096);
  }

  /** A text from a file, fit to be shown: short, and without control characters. */
  public static String shown(String text) {
    return shown(text, SHOWN);
  }

  static String shown(String text, int length) {
    StringBuilder out = new StringBuilder();
    text.codePoints()
        .limit(length)
        .forEach(
            c -> {
              boolean odd =
                  Character.isISOControl(c)
                      || Character.getType(c) == Character.FORMAT
                      || Character.getType(c) == Character.SURROGATE;
              if (odd) {
                out.append("\\u%04x".formatted(c));
              } else {
                out.appendCodePoint(c);
              }
            });
    return text.codePointCount(0, text.length()) > length ? out + "…" : out.toString();
  }
}
