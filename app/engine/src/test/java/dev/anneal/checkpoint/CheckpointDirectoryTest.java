package dev.anneal.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointDirectoryTest {
  @TempDir Path directory;

  private CheckpointDirectory checkpoints;

  @BeforeEach
  void open() {
    checkpoints = new CheckpointDirectory(directory);
  }

  /** Writes a byte at a time, and calls {@code before} with the number of bytes written so far. */
  private static FileWriter writer(int bytes, int value, Step before) {
    return new FileWriter() {
      @Override
      public long bytes() {
        return bytes;
      }

      @Override
      public void writeTo(WritableByteChannel out) throws IOException {
        for (int i = 0; i < bytes; i++) {
          before.at(i);
          WholeBuffer.write(out, ByteBuffer.wrap(new byte[] {(byte) (value + i)}));
        }
        before.at(bytes);
      }
    };
  }

  private interface Step {
    void at(int written) throws IOException;
  }

  private static Map<String, FileWriter> files(int value, Step before) {
    Map<String, FileWriter> files = new LinkedHashMap<>();
    files.put("model.safetensors", writer(5, value, before));
    files.put("optimizer.safetensors", writer(3, value, i -> before.at(i + 6)));
    return files;
  }

  private static ObjectNode meta(int value) {
    ObjectNode meta = JsonNodeFactory.instance.objectNode();
    meta.put("value", value)
        .put("lr", 1e-4)
        .put("f", 0.1f)
        .put("text", "é\n")
        .putArray("a")
        .add(1L);
    return meta;
  }

  private Checkpoint publish(int step) {
    return checkpoints.publish(step, files(step, i -> {}), meta(step));
  }

  private List<String> names() throws IOException {
    try (Stream<Path> paths = Files.list(directory)) {
      return paths.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  private List<Integer> steps() {
    return checkpoints.list().stream().map(Checkpoint::step).toList();
  }

  private static Checkpoint find(Path path) {
    return CheckpointSearch.find(path, warning -> {});
  }

  @Test
  void whatIsPublishedIsFound() throws IOException {
    assertTrue(checkpoints.latest().isEmpty());
    Checkpoint published = publish(20);
    publish(100);
    publish(3);
    assertEquals(directory.resolve("step_20"), published.directory());
    assertEquals(List.of(3, 20, 100), steps());
    assertEquals(100, checkpoints.latest().orElseThrow().step());
    assertTrue(checkpoints.at(4).isEmpty());
    Checkpoint found = checkpoints.at(20).orElseThrow();
    found.verify();
    assertEquals(20, found.meta().path("value").asInt());
    assertEquals(1e-4, found.meta().path("lr").asDouble());
    assertEquals("é\n", found.meta().path("text").asText());
    assertEquals(8, found.bytes());
    assertArrayEquals(
        new byte[] {20, 21, 22, 23, 24}, Files.readAllBytes(found.file("model.safetensors")));
    assertTrue(
        assertThrows(Failure.class, () -> found.file("other"))
            .getMessage()
            .contains("has no other"));
    assertEquals(List.of("step_100", "step_20", "step_3"), names());
  }

  @Test
  void aPathMeansItselfOrTheNewestInIt() {
    publish(1);
    publish(2);
    assertEquals(2, find(directory).step());
    assertEquals(1, find(directory.resolve("step_1")).step());
    Path missing = directory.resolve("missing");
    assertTrue(
        assertThrows(Failure.class, () -> find(missing))
            .getMessage()
            .startsWith(missing + " does not exist"));
  }

  @Test
  void aDirectoryWithoutWholeCheckpointsSaysWhy() throws IOException {
    assertTrue(
        assertThrows(Failure.class, () -> find(directory))
            .getMessage()
            .contains("has no checkpoint"));
    publish(1);
    Files.delete(directory.resolve("step_1").resolve("model.safetensors"));
    assertTrue(
        assertThrows(Failure.class, () -> find(directory))
            .getMessage()
            .contains("model.safetensors does not exist"));
  }

  /** Thrown where the process would die; nothing in the program catches it. */
  private static final class Killed extends Error {
    private static final long serialVersionUID = 1L;
  }

  @Test
  void aFailureAtAnyPointLeavesTheEarlierCheckpoint() throws IOException {
    publish(1);
    for (int point = 0; point <= 9; point++) {
      int failing = point;
      Failure e =
          assertThrows(
              Failure.class,
              () ->
                  checkpoints.publish(
                      2,
                      files(
                          2,
                          i -> {
                            if (i == failing) {
                              throw new IOException("No space left on device");
                            }
                          }),
                      meta(2)));
      assertEquals(
          "cannot save "
              + directory.resolve("step_2")
              + ": No space left on device; the earlier checkpoints are as they were",
          e.getMessage());
      assertEquals(List.of("step_1"), names());
      checkpoints.latest().orElseThrow().verify();
    }
    publish(2);
    assertEquals(List.of(1, 2), steps());
  }

  @Test
  void deathAtAnyPointLeavesTheEarlierCheckpoint() throws IOException {
    publish(1);
    for (int point = 0; point <= 9; point++) {
      int failing = point;
      Path copy = directory.resolve("copy");
      assertThrows(
          Killed.class,
          () ->
              checkpoints.publish(
                  2,
                  files(
                      2,
                      i -> {
                        if (i == failing) {
                          // What is on the disk now is what a killed process leaves.
                          copyLeftover(copy);
                          throw new Killed();
                        }
                      }),
                  meta(2)));
      Files.move(copy, directory.resolve("step_2.tmp-999999999-" + point));
      assertEquals(List.of(1), steps());
      checkpoints.latest().orElseThrow().verify();
    }
    assertEquals(11, names().size());
    checkpoints.removeLeftovers();
    assertEquals(List.of("step_1"), names());
  }

  private void copyLeftover(Path copy) throws IOException {
    Path leftover;
    try (Stream<Path> paths = Files.list(directory)) {
      leftover =
          paths
              .filter(
                  p -> p.toString().contains("step_2.tmp-") && !p.toString().contains("999999999"))
              .findFirst()
              .orElseThrow();
    }
    Files.createDirectory(copy);
    try (Stream<Path> files = Files.list(leftover)) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
  }

  @Test
  void aFullDeviceIsReported() throws IOException {
    Path full = Path.of("/dev/full");
    assumeTrue(Files.exists(full));
    publish(1);
    FileWriter writer =
        writer(
            1,
            0,
            i -> {
              try (FileChannel channel = FileChannel.open(full, StandardOpenOption.WRITE)) {
                channel.write(ByteBuffer.allocate(1));
              }
            });
    Failure e =
        assertThrows(Failure.class, () -> checkpoints.publish(2, Map.of("model", writer), meta(2)));
    assertTrue(e.getMessage().contains("No space left on device"), e.getMessage());
    assertEquals(List.of("step_1"), names());
  }

  @Test
  void spaceIsCheckedBeforeAnythingIsWritten() throws IOException {
    publish(1);
    CheckpointDirectory full = new CheckpointDirectory(directory, path -> (1 << 20) + 7);
    Failure e =
        assertThrows(
            Failure.class,
            () ->
                full.publish(
                    2,
                    files(
                        2,
                        i -> {
                          throw new AssertionError("written to");
                        }),
                    meta(2)));
    assertTrue(e.getMessage().contains("it takes 1048584 bytes and the disk has 1048583 left"));
    assertEquals(List.of("step_1"), names());
    new CheckpointDirectory(directory, path -> (1 << 20) + 8)
        .publish(2, files(2, i -> {}), meta(2));
  }

  @Test
  void aCheckpointIsNeverReplaced() throws IOException {
    publish(1);
    byte[] before = Files.readAllBytes(directory.resolve("step_1/manifest.json"));
    assertTrue(assertThrows(Failure.class, () -> publish(1)).getMessage().contains("exists"));
    Files.createDirectory(directory.resolve("step_2"));
    assertThrows(Failure.class, () -> publish(2));
    assertArrayEquals(before, Files.readAllBytes(directory.resolve("step_1/manifest.json")));
  }

  @Test
  void aWriterThatBreaksItsPromiseIsABug() throws IOException {
    FileWriter wrong =
        new FileWriter() {
          @Override
          public long bytes() {
            return 2;
          }

          @Override
          public void writeTo(WritableByteChannel out) throws IOException {
            WholeBuffer.write(out, ByteBuffer.allocate(1));
          }
        };
    assertThrows(
        IllegalStateException.class, () -> checkpoints.publish(1, Map.of("m", wrong), meta(1)));
    for (String name : List.of("../m", "", ".", "..", "a/b", "manifest.json", "é")) {
      assertThrows(
          IllegalArgumentException.class,
          () -> checkpoints.publish(1, Map.of(name, wrong), meta(1)));
    }
    assertEquals(List.of(), names());
  }

  /** Every byte of every file, flipped in turn, is noticed, and the file is named. */
  @Test
  void aFlippedByteNamesItsFile() throws IOException {
    Checkpoint checkpoint = publish(7);
    for (String name : List.of("model.safetensors", "optimizer.safetensors", "manifest.json")) {
      Path file = checkpoint.directory().resolve(name);
      byte[] good = Files.readAllBytes(file);
      for (int i = 0; i < good.length; i++) {
        byte[] bad = good.clone();
        bad[i] ^= 1;
        if (Character.isWhitespace(good[i]) && Character.isWhitespace(bad[i])) {
          continue;
        }
        Files.write(file, bad);
        Failure e =
            assertThrows(
                Failure.class, () -> checkpoints.at(7).orElseThrow().verify(), name + " byte " + i);
        assertTrue(e.getMessage().contains(file.toString()), e.getMessage());
      }
      Files.write(file, good);
    }
    checkpoints.at(7).orElseThrow().verify();
  }

  @Test
  void brokenCheckpointsAreSkippedAndNamed() throws IOException {
    publish(1);
    publish(2);
    publish(3);
    Files.write(directory.resolve("step_3/model.safetensors"), new byte[4]);
    Files.createDirectory(directory.resolve("step_4"));
    Files.createDirectory(directory.resolve("step_x"));
    List<String> told = new ArrayList<>();
    assertEquals(2, CheckpointSearch.find(directory, told::add).step());
    assertEquals(2, told.size());
    assertTrue(told.get(0).contains("step_4/manifest.json does not exist"), told.get(0));
    assertTrue(told.get(1).contains("step_3/model.safetensors is damaged: it has 4 bytes"));
    assertTrue(told.get(1).endsWith("; using " + directory.resolve("step_2") + " instead"));
    assertThrows(Failure.class, () -> checkpoints.at(3));
    Failure named = assertThrows(Failure.class, () -> find(directory.resolve("step_3")));
    assertTrue(
        named.getMessage().endsWith("; the next whole one is " + directory.resolve("step_2")),
        named.getMessage());
  }

  @Test
  void deletingKeepsTheNewestWholeOnes() throws IOException {
    for (int step = 1; step <= 5; step++) {
      publish(step);
    }
    Files.delete(directory.resolve("step_5/optimizer.safetensors"));
    checkpoints.keepNewest(2, 4);
    assertEquals(List.of("step_3", "step_4", "step_5"), names());
    checkpoints.keepNewest(1, 4);
    assertEquals(List.of(4), steps());
    checkpoints.keepNewest(1, 4);
    assertEquals(List.of(4), steps());
    assertThrows(IllegalArgumentException.class, () -> checkpoints.keepNewest(0, 1));
  }

  @Test
  void leftoversOfLivingProcessesStay() throws IOException {
    Path living = Files.createDirectory(directory.resolve("step_9.tmp-1-5"));
    Path own =
        Files.createDirectory(
            directory.resolve("step_9.tmp-" + ProcessHandle.current().pid() + "-5"));
    Path other = Files.createDirectory(directory.resolve("step_9.tmpfile"));
    checkpoints.removeLeftovers();
    assertEquals(ProcessHandle.of(1).isPresent(), Files.exists(living));
    assertFalse(Files.exists(own));
    assertTrue(Files.exists(other));
  }

  @Test
  void newerVersionsAreRefused() throws IOException {
    publish(1);
    Path manifest = directory.resolve("step_1/manifest.json");
    ObjectNode newer = (ObjectNode) new ObjectMapper().readTree(manifest.toFile());
    newer.put("version", 2).remove("crc32c");
    CRC32C sum = new CRC32C();
    sum.update(newer.toString().getBytes(UTF_8));
    newer.put("crc32c", HexFormat.of().toHexDigits((int) sum.getValue()));
    Files.writeString(manifest, newer.toString());
    assertTrue(
        assertThrows(Failure.class, () -> find(directory)).getMessage().contains("version 2"),
        "it is not damaged, so no earlier one is taken");
    for (String text : List.of("", "[]", "null", "{}", "{\"format\":1}", "{\"a\":".repeat(5000))) {
      Files.writeString(manifest, text);
      Failure e = assertThrows(Failure.class, () -> checkpoints.at(1));
      assertTrue(e.getMessage().startsWith(manifest + " is damaged"), e.getMessage());
    }
  }
}
