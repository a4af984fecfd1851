package dev.anneal.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DurableFileTest {
  @TempDir Path directory;

  private record Text(String text, boolean failing) implements FileWriter {
    @Override
    public long bytes() {
      return text.length();
    }

    @Override
    public void writeTo(WritableByteChannel out) throws IOException {
      WholeBuffer.write(out, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
      if (failing) {
        throw new IOException("No space left on device");
      }
    }
  }

  private List<String> names() throws IOException {
    try (Stream<Path> paths = Files.list(directory)) {
      return paths.map(path -> path.getFileName().toString()).toList();
    }
  }

  @Test
  void aFileIsReplacedOnlyByAWholeOne() throws IOException {
    Path file = directory.resolve("f");
    DurableFile.write(file, new Text("one", false));
    Failure e = assertThrows(Failure.class, () -> DurableFile.write(file, new Text("two", true)));
    assertEquals("cannot write " + file + ": No space left on device", e.getMessage());
    assertEquals("one", Files.readString(file));
    DurableFile.write(file, new Text("three", false));
    assertEquals("three", Files.readString(file));
    assertEquals(List.of("f"), names());
  }

  @Test
  void placesThatCannotBeWrittenTo() throws IOException {
    Path file = Files.writeString(directory.resolve("f"), "one");
    Text text = new Text("two", false);
    assertTrue(
        assertThrows(Failure.class, () -> DurableFile.write(directory, text))
            .getMessage()
            .contains("is a directory"));
    assertEquals(
        "cannot write " + file + "/g: " + file + " is there and no directory",
        assertThrows(Failure.class, () -> DurableFile.write(file.resolve("g"), text)).getMessage());
    assertEquals("one", Files.readString(file));
  }

  @Test
  void whatIsShownHasNoControlCharacters() {
    assertEquals("a\\u001b[2J\\u000a\\u202e", FileFailures.shown("a\u001b[2J\n\u202e"));
    assertEquals(81, FileFailures.shown("x".repeat(500)).length());
  }
}
