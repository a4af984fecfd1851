package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.terminal.Anneal;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run keeps the tokenizer that it was begun with, and is held against it before it exists. */
class TokenizerOfARunTest {
  private static final List<String> TINY =
      List.of(
          "--layers",
          "1",
          "--heads",
          "2",
          "--channels",
          "16",
          "--context",
          "16",
          "--seq",
          "16",
          "--batch",
          "2",
          "--warmup",
          "0",
          "--threads",
          "1",
          "--val-batches",
          "1",
          "--sample-tokens",
          "3");

  @TempDir Path temp;

  private record Result(int code, String out, String err) {}

  private static Result run(Object... words) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    List<String> args = new ArrayList<>();
    for (Object word : words) {
      args.add(word.toString());
    }
    int code =
        Anneal.run(args.toArray(String[]::new), new PrintWriter(out), new PrintWriter(err, true));
    return new Result(code, out.toString(), err.toString());
  }

  private Result train(Path run, Object... more) {
    List<Object> words = new ArrayList<>(List.of("train", "--out", run));
    words.addAll(TINY);
    words.addAll(List.of(more));
    return run(words.toArray());
  }

  private static Path tokenizer(String name) {
    try {
      return Path.of(TokenizerOfARunTest.class.getResource("/tokenizers/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private Path text() throws IOException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 300; i++) {
      text.append("the king said ").append(i * 7919 % 997).append(" words to the other, ");
    }
    return Files.writeString(temp.resolve("text.txt"), text);
  }

  private static void refused(Result result, int code, String... says) {
    assertEquals(code, result.code(), result.err());
    assertEquals(1, result.err().strip().lines().count(), result.err());
    for (String each : says) {
      assertTrue(result.err().contains(each), result.err());
    }
  }

  @Test
  void isKeptWithACopyInEachCheckpointAndHeldAgainstIt() throws IOException {
    Path run = temp.resolve("run");
    Path source = Files.createDirectory(temp.resolve("llama"));
    Path file = source.resolve("tokenizer.json");
    Files.copy(tokenizer("llama-tiny/tokenizer.json"), file);
    Result first = train(run, "--data", text(), "--steps", "2", "--tokenizer", source);
    assertEquals(0, first.code(), first.err());
    // Nothing of the run needs the file that it came from any more.
    Files.delete(file);
    Path kept = run.resolve("step_2/tokenizer.json");
    assertArrayEquals(Files.readAllBytes(run.resolve("tokenizer.json")), Files.readAllBytes(kept));
    assertTrue(Files.readString(run.resolve("step_2/manifest.json")).contains("tokenizer.json"));
    assertEquals(
        run("tokenize", "--tokenizer", tokenizer("llama-tiny"), "the king").out(),
        run("tokenize", "--tokenizer", run, "the king").out());
    Result more = run("train", "--resume", run, "--steps", "3", "--threads", "1");
    assertEquals(0, more.code(), more.err());
    Result sample = run("sample", "--checkpoint", run, "--tokens", "3", "--threads", "1");
    assertEquals(0, sample.code(), sample.err());

    Path other = temp.resolve("other");
    Result branch = run("train", "--resume", run, "--out", other, "--steps", "4", "--threads", "1");
    assertEquals(0, branch.code(), branch.err());
    assertTrue(Files.exists(other.resolve("step_4/tokenizer.json")));

    Files.copy(tokenizer("gpt2-tiny/tokenizer.json"), other.resolve("x"));
    Files.move(
        other.resolve("x"),
        other.resolve("step_4/tokenizer.json"),
        StandardCopyOption.REPLACE_EXISTING);
    refused(
        run("sample", "--checkpoint", other.resolve("step_4"), "--threads", "1"),
        1,
        "step_4/tokenizer.json is damaged");
  }

  @Test
  void aConfigurationThatNamesAnotherTokenizerIsRefused() throws IOException {
    Path run = temp.resolve("run");
    Path llama = tokenizer("llama-tiny");
    train(run, "--data", text(), "--steps", "1", "--tokenizer", llama);
    // Before its first checkpoint, a run is what this file says.
    Files.move(run.resolve("step_1"), temp.resolve("step_1"));
    Path config = run.resolve("config.json");
    String says = Files.readString(config);
    assertTrue(says.contains("\"bpe-"), says);
    Files.writeString(config, says.replaceFirst("\"bpe-[0-9a-f]{4}", "\"bpe-0000"));
    refused(
        run("train", "--resume", run, "--threads", "1"),
        1,
        "run/tokenizer.json is another tokenizer than the run's");
    Files.writeString(config, says.replaceFirst("\"bpe-[0-9a-f]{64}", "\"../../etc/passwd"));
    refused(
        run("train", "--resume", run, "--threads", "1"),
        1,
        "data.tokenizer is",
        "expected byte, gpt2, or bpe-");
    Files.writeString(config, says);
    Files.delete(run.resolve("tokenizer.json"));
    refused(
        run("train", "--resume", run, "--threads", "1"), 1, "the run's tokenizer, is not there");
  }

  @Test
  void shardsOfAnotherTokenizerBeginNoRun() throws IOException {
    Path run = temp.resolve("run");
    Path llama = tokenizer("llama-tiny");
    ByteBuffer shard = ByteBuffer.allocate(1024 + 2 * 2000).order(ByteOrder.LITTLE_ENDIAN);
    shard.putInt(20240520).putInt(1).putInt(2000).putInt(300);
    Path noted = Files.write(temp.resolve("noted.bin"), shard.array());
    refused(
        train(run, "--data", noted, "--steps", "1", "--tokenizer", llama),
        2,
        "made with a tokenizer of 300 tokens",
        "has 512",
        "--tokenizer");
    shard.putInt(12, 0).putShort(1024 + 2 * 7, (short) 600);
    Path ids = Files.write(temp.resolve("ids.bin"), shard.array());
    refused(
        train(run, "--data", ids, "--steps", "1", "--tokenizer", llama),
        2,
        "token 7 of",
        "is 600",
        "has 512 tokens");
    refused(
        train(run, "--data", ids, "--steps", "1", "--tokenizer", temp.resolve("none")),
        2,
        "is not there; expected byte, gpt2, or a folder or file");
    assertFalse(Files.exists(run));
    shard.putShort(1024 + 2 * 7, (short) 511);
    Path good = Files.write(temp.resolve("good.bin"), shard.array());
    Result trained = train(run, "--data", good, "--steps", "1", "--tokenizer", llama);
    assertEquals(0, trained.code(), trained.err());
  }
}
