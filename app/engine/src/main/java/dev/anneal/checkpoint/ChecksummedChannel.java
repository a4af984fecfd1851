package dev.anneal.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/** Counts and sums what goes into a new file; {@link #sync} before closing makes it stay. */
final class ChecksummedChannel implements WritableByteChannel {
  private final FileChannel file;
  private final CRC32C sum = new CRC32C();
  private long bytes;

  ChecksummedChannel(Path path) throws IOException {
    this.file = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
  }

  @Override
  public int write(ByteBuffer from) throws IOException {
    ByteBuffer written = from.duplicate();
    int n = file.write(from);
    sum.update(written.limit(written.position() + n));
    bytes += n;
    return n;
  }

  void sync() throws IOException {
    file.force(true);
  }

  Manifest.Content content() {
    return new Manifest.Content(bytes, (int) sum.getValue());
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
