package dev.anneal.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.failure.Failure;
import dev.anneal.tokenizer.ByteTokenizer;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenShardsTest {
  @TempDir Path directory;

  /** A file with the given header and ids. */
  private Path shard(String name, int magic, int version, int length, int width, int... ids)
      throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(1024 + ids.length * width).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(magic).putInt(version).putInt(length).position(1024);
    for (int id : ids) {
      if (width == 2) {
        bytes.putShort((short) id);
      } else {
        bytes.putInt(id);
      }
    }
    return Files.write(directory.resolve(name), bytes.array());
  }

  private static int[] all(TokenSource source) {
    int[] tokens = new int[(int) source.length()];
    source.read(0, tokens);
    return tokens;
  }

  private static String failure(Path path) {
    String message =
        assertThrows(Failure.class, () -> TokenShards.open(path.toString()).close()).getMessage();
    assertTrue(message.contains(path.toString()), message);
    assertFalse(message.contains("\n"), message);
    return message;
  }

  @Test
  void bothKindsAreRead() throws IOException {
    Path gpt2 = shard("a.bin", 20240520, 1, 3, 2, 50256, 0, 65535);
    Path llama = shard("b.bin", 20240801, 7, 2, 4, 128000, -1);
    try (TokenShards a = TokenShards.open(gpt2.toString());
        TokenShards b = TokenShards.open(llama.toString())) {
      assertArrayEquals(new int[] {50256, 0, 65535}, all(a));
      assertEquals(50257, a.vocabulary());
      assertArrayEquals(new int[] {128000, -1}, all(b));
      assertEquals(128256, b.vocabulary());
    }
  }

  @Test
  void shardsOfAPatternFollowInTheOrderOfTheirNames() throws IOException {
    shard("t_000010.bin", 20240520, 1, 1, 2, 4);
    shard("t_000002.bin", 20240520, 1, 2, 2, 2, 3);
    shard("T_9.bin", 20240520, 1, 1, 2, 9);
    shard("t_000001.bin", 20240520, 1, 1, 2, 1);
    shard("v_000001.bin", 20240520, 1, 1, 2, 7);
    try (TokenShards shards = TokenShards.open(directory + "/[tT]_*.bin")) {
      assertArrayEquals(new int[] {9, 1, 2, 3, 4}, all(shards));
      assertTrue(shards.place(3).startsWith("token 1 of "), shards.place(3));
      assertTrue(shards.place(3).endsWith("t_000002.bin"), shards.place(3));
      int[] middle = new int[4];
      shards.read(2, middle, 1, 2);
      assertArrayEquals(new int[] {0, 2, 3, 0}, middle);
      assertThrows(IndexOutOfBoundsException.class, () -> shards.read(4, middle, 0, 2));
    }
  }

  @Test
  void moreShardsThanAreHeldOpen() throws IOException {
    for (int i = 0; i < 70; i++) {
      shard("s_%03d.bin".formatted(i), 20240520, 1, 1, 2, i);
    }
    try (TokenShards shards = TokenShards.open(directory + "/s_*.bin")) {
      for (int round = 0; round < 2; round++) {
        int[] tokens = all(shards);
        for (int i = 0; i < 70; i++) {
          assertEquals(i, tokens[i]);
        }
      }
    }
  }

  @Test
  void offsetsBeyondTwoGibibytes() throws IOException {
    Path path = directory.resolve("large.bin");
    int length = 1_200_000_000;
    long size = 1024 + 2L * length;
    // A sparse file: it takes no space.
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.setLength(size);
      file.write(
          ByteBuffer.allocate(12)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putInt(20240520)
              .putInt(1)
              .putInt(length)
              .array());
      file.seek(size - 2);
      file.write(new byte[] {0x34, 0x12});
    }
    try (TokenShards shards = TokenShards.open(path.toString())) {
      int[] last = new int[2];
      shards.read(length - 2, last);
      assertArrayEquals(new int[] {0, 0x1234}, last);
    }
  }

  @Test
  void whatIsWrittenIsRead() {
    TextTokens text = TextTokens.of("t", List.of("héllo", "wörld"), new ByteTokenizer());
    Path path = directory.resolve("new/out.bin");
    TokenShards.write(path, text);
    try (TokenShards shards = TokenShards.open(path.toString())) {
      assertArrayEquals(all(text), all(shards));
      assertEquals(256, shards.vocabulary());
    }
    try (Stream<Path> files = Files.list(path.getParent())) {
      assertEquals(1, files.count());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aShardIsNotReplacedByBadTokens() throws IOException {
    Path good = shard("good.bin", 20240520, 1, 1, 2, 1);
    byte[] before = Files.readAllBytes(good);
    Path bad = shard("bad.bin", 20240520, 1, 2, 2, 1, 50257);
    try (TokenShards tokens = TokenShards.open(bad.toString())) {
      Failure e = assertThrows(Failure.class, () -> TokenShards.write(good, tokens));
      assertTrue(e.getMessage().startsWith("token 1 of " + bad + " is 50257"), e.getMessage());
    }
    assertArrayEquals(before, Files.readAllBytes(good));
  }

  @Test
  void theFingerprintFollowsTheContent() throws IOException {
    Path path = shard("f.bin", 20240520, 1, 2, 2, 1, 2);
    String first = fingerprint(path);
    assertEquals(first, fingerprint(path));
    shard("f.bin", 20240520, 1, 2, 2, 1, 3);
    assertNotEquals(first, fingerprint(path));
  }

  private static String fingerprint(Path path) {
    try (TokenShards shards = TokenShards.open(path.toString())) {
      return shards.fingerprint();
    }
  }

  @Test
  void badHeaders() throws IOException {
    assertTrue(failure(shard("a", 20240326, 3, 1, 2, 1)).contains("a model checkpoint"));
    assertTrue(failure(shard("b", 20240527, 1, 1, 2, 1)).contains("a training state"));
    assertTrue(
        failure(shard("c", Integer.reverseBytes(20240520), 1, 1, 2, 1)).contains("big-endian"));
    assertTrue(failure(shard("d", 20240520, 7, 1, 2, 1)).contains("version is 7; expected 1"));
    assertTrue(failure(shard("e", 20240801, 1, 1, 4, 1)).contains("version is 1; expected 7"));
    assertTrue(failure(shard("f", 20240520, 1, 0, 2)).contains("number of tokens is 0"));
    assertTrue(failure(shard("g", 20240520, 1, -5, 2)).contains("number of tokens is -5"));
    assertTrue(failure(shard("h", 20240520, 1, 2, 2, 1)).contains("expected 1028"));
    assertTrue(failure(shard("i", 20240520, 1, 1, 4, 1)).contains("expected 1026"));
    assertTrue(failure(Files.createFile(directory.resolve("j"))).contains("0 bytes"));
    assertTrue(failure(Files.write(directory.resolve("k"), new byte[1023])).contains("1023"));
    assertTrue(failure(directory.resolve("missing")).contains("does not exist"));
    assertTrue(failure(Files.createDirectory(directory.resolve("l"))).contains("a directory"));
  }

  @Test
  void patternsThatCannotBeUsed() throws IOException {
    shard("x_1.bin", 20240520, 1, 1, 2, 1);
    shard("x_2.bin", 20240801, 7, 1, 4, 1);
    assertTrue(message("/y_*.bin").contains("no file matches"));
    assertTrue(message("/x_*.bin").contains("shards of one kind"));
    assertTrue(message("/x_[.bin").contains("no pattern"));
  }

  private String message(String pattern) {
    return assertThrows(Failure.class, () -> TokenShards.open(directory + pattern)).getMessage();
  }

  @Test
  void aFileThatIsCutWhileOpen() throws IOException {
    Path path = shard("cut.bin", 20240520, 1, 4, 2, 1, 2, 3, 4);
    try (TokenShards shards = TokenShards.open(path.toString())) {
      shards.read(0, new int[1]);
      Files.write(path, new byte[1026]);
      Failure e = assertThrows(Failure.class, () -> all(shards));
      assertTrue(e.getMessage().contains("cut while being read"), e.getMessage());
    }
  }
}
