package dev.anneal.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.anneal.failure.Failure;
import java.io.BufferedReader;
import java.io.FilterReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Lines from outside, each no longer than can be meant: a disk image or {@code /dev/zero} is one
 * line without an end.
 */
public final class TextLines {
  private static final int LONGEST_EVENT = 1 << 24;
  private static final int LONGEST_COMMANDS = 1 << 20;

  private TextLines() {}

  /**
   * Events, of a log or a record in a file. What a death tore within a character is no error.
   *
   * @throws Failure when it cannot be read or is no file
   */
  public static BufferedReader ofFile(Path file) {
    FileFailures.sizeOfRegularFile(file);
    return events(file);
  }

  /**
   * Events, also from a pipe that is open already, as the shell's {@code <(…)} is.
   *
   * @throws Failure when it cannot be read, or reading it might never end
   */
  public static BufferedReader ofFileOrPipe(Path file) {
    InputFile.requireFileOrOpenPipe(file);
    return events(file);
  }

  private static BufferedReader events(Path file) {
    try {
      return limited(new InputStreamReader(Files.newInputStream(file), UTF_8), LONGEST_EVENT);
    } catch (IOException e) {
      throw FileFailures.cannotRead(file, e);
    }
  }

  /**
   * Commands, from whatever gives some, as it gives them.
   *
   * @throws Failure when it cannot be opened
   */
  public static BufferedReader ofScript(Path file) {
    if (Files.isDirectory(file)) {
      throw Failure.failed(
          FileFailures.shown(file) + " is a directory; expected a file of commands");
    }
    try {
      return ofCommands(Files.newInputStream(file));
    } catch (IOException e) {
      throw FileFailures.cannotRead(file, e);
    }
  }

  /** Commands; what is not UTF-8 is an error. */
  public static BufferedReader ofCommands(InputStream in) {
    return limited(new InputStreamReader(in, UTF_8.newDecoder()), LONGEST_COMMANDS);
  }

  private static BufferedReader limited(Reader reader, int longest) {
    return new BufferedReader(new Limited(reader, longest));
  }

  /** Fails in a line that is too long, before anyone gathers it. */
  private static final class Limited extends FilterReader {
    private final int longest;
    private int length;

    Limited(Reader in, int longest) {
      super(in);
      this.longest = longest;
    }

    @Override
    public int read(char[] into, int from, int most) throws IOException {
      int n = super.read(into, from, most);
      for (int i = from; i < from + n; i++) {
        length = into[i] == '\n' || into[i] == '\r' ? 0 : length + 1;
      }
      if (length > longest) {
        throw new IOException("a line has more than " + longest + " characters; it is no text");
      }
      return n;
    }
  }
}
