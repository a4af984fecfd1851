package dev.anneal.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.failure.Failure;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32C;

/** A published checkpoint: a directory with a manifest and the files that it lists. */
public final class Checkpoint {
  private static final int CHUNK = 1 << 20;

  private final Path directory;
  private final Manifest manifest;

  private Checkpoint(Path directory, Manifest manifest) {
    this.directory = directory;
    this.manifest = manifest;
  }

  /**
   * Opens a checkpoint: reads its manifest and checks that its files are there in full size.
   *
   * @throws Failure when it is incomplete; the message names the file
   */
  static Checkpoint open(Path directory) {
    Checkpoint checkpoint =
        new Checkpoint(directory, Manifest.read(directory.resolve(Manifest.NAME)));
    checkpoint.manifest.files().forEach(checkpoint::requireSize);
    return checkpoint;
  }

  private void requireSize(String name, Manifest.Content content) {
    Path file = directory.resolve(name);
    long size = FileFailures.sizeOfRegularFile(file);
    if (size != content.bytes()) {
      throw Failure.failed(
          file + " is damaged: it has " + size + " bytes; expected " + content.bytes());
    }
  }

  public Path directory() {
    return directory;
  }

  /** The file that says what it holds. */
  public Path manifest() {
    return directory.resolve(Manifest.NAME);
  }

  /** Updates made when it was saved. */
  public int step() {
    return manifest.step();
  }

  /** What was saved with it; a copy. */
  public ObjectNode meta() {
    return manifest.meta().deepCopy();
  }

  /** Replaces what {@link #meta} gives, from the next time on that it is opened. */
  public void describe(ObjectNode meta) {
    byte[] described = new Manifest(manifest.step(), manifest.files(), meta).bytes();
    DurableFile.write(directory.resolve(Manifest.NAME), FileWriter.of(described));
  }

  public Set<String> files() {
    return manifest.files().keySet();
  }

  /** The size of all its files together. */
  public long bytes() {
    return manifest.files().values().stream().mapToLong(Manifest.Content::bytes).sum();
  }

  /**
   * The path of one of its files.
   *
   * @throws Failure when it has none of this name
   */
  public Path file(String name) {
    if (!manifest.files().containsKey(name)) {
      throw Failure.failed(directory + " has no " + name + "; it has " + files());
    }
    return directory.resolve(name);
  }

  /**
   * Reads every file and compares its checksum.
   *
   * @throws Failure that names the first file that differs from what was saved
   */
  public void verify() {
    for (Map.Entry<String, Manifest.Content> entry : manifest.files().entrySet()) {
      requireSize(entry.getKey(), entry.getValue());
      int actual = sum(directory.resolve(entry.getKey()));
      if (actual != entry.getValue().crc32c()) {
        throw Failure.failed(
            "%s is damaged: its CRC-32C is %s; expected %s"
                .formatted(
                    directory.resolve(entry.getKey()),
                    Manifest.hex(actual),
                    Manifest.hex(entry.getValue().crc32c())));
      }
    }
  }

  private static int sum(Path path) {
    CRC32C crc = new CRC32C();
    ByteBuffer buffer = ByteBuffer.allocateDirect(CHUNK);
    try (InputFile file = InputFile.open(path)) {
      for (long at = 0; at < file.size(); at += CHUNK) {
        buffer.clear().limit((int) Math.min(CHUNK, file.size() - at));
        file.read(at, buffer);
        crc.update(buffer.flip());
      }
    }
    return (int) crc.getValue();
  }

  @Override
  public String toString() {
    return directory.toString();
  }
}
