package dev.anneal.run.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogFileTest {
  @TempDir private Path temp;

  /** A disk with room for so many bytes. */
  private static final class Disk implements WritableByteChannel {
    private final FileChannel file;
    private int room;

    Disk(FileChannel file, int room) {
      this.file = file;
      this.room = room;
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
      if (room == 0) {
        throw new IOException("No space left on device");
      }
      int n = Math.min(room, from.remaining());
      file.write(from.slice(from.position(), n));
      from.position(from.position() + n);
      room -= n;
      return n;
    }

    @Override
    public boolean isOpen() {
      return file.isOpen();
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }

  @Test
  void aLineIsInItWholeOrNotAtAll() throws IOException {
    Path path = temp.resolve("log");
    FileChannel channel =
        FileChannel.open(
            path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    Disk disk = new Disk(channel, 8);
    try (LogFile log = LogFile.to(path, channel, disk)) {
      log.write("one");
      Failure e = assertThrows(Failure.class, () -> log.write("second"));
      assertEquals("cannot write " + path + ": No space left on device", e.getMessage());
      assertEquals("one\n", Files.readString(path));
      disk.room = 100;
      log.write("three");
    }
    assertEquals("one\nthree\n", Files.readString(path));
  }

  @Test
  void aTornLineStaysALineOfItsOwn() throws IOException {
    Path path = Files.writeString(temp.resolve("log"), "one\n{\"tor");
    try (LogFile log = LogFile.append(path)) {
      log.write("three");
    }
    assertEquals("one\n{\"tor\nthree\n", Files.readString(path));
  }
}
