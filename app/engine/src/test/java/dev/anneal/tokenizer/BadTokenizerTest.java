package dev.anneal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tokenizer files that are damaged, contradict themselves, want too much or mean harm. */
class BadTokenizerTest {
  @TempDir Path temp;

  private final JsonMapper mapper = new JsonMapper();

  private void refused(Path path, String... says) {
    Failure failure =
        assertThrows(Failure.class, () -> TokenizerFiles.read(path, Optional.empty()));
    String message = failure.getMessage();
    assertTrue(message.contains(temp.toString()), message);
    for (String each : says) {
      assertTrue(message.contains(each), each + " is not in: " + message);
    }
    assertEquals(1, message.lines().count(), message);
    assertFalse(message.chars().anyMatch(Character::isISOControl), message);
    assertTrue(message.length() < 600, message);
  }

  /** Llama's tokenizer.json with a change. */
  private void llama(Consumer<ObjectNode> change, String... says) {
    try {
      ObjectNode root =
          (ObjectNode) mapper.readTree(TokenizerFile.text("llama-tiny/tokenizer.json"));
      change.accept(root);
      text(mapper.writeValueAsString(root), says);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private void text(String json, String... says) throws IOException {
    refused(Files.writeString(temp.resolve("tokenizer.json"), json), says);
  }

  private static ObjectNode model(JsonNode root) {
    return (ObjectNode) root.path("model");
  }

  private static ObjectNode vocab(JsonNode root) {
    return (ObjectNode) root.path("model").path("vocab");
  }

  private static ArrayNode merges(JsonNode root) {
    return (ArrayNode) root.path("model").path("merges");
  }

  private static ObjectNode added(JsonNode root, int i) {
    return (ObjectNode) root.path("added_tokens").path(i);
  }

  @Test
  void idsThatAreNone() {
    llama(r -> vocab(r).put("a", -1), "model.vocab['a'] is -1", "from 0 to 2097151");
    llama(r -> vocab(r).put("a", Integer.MAX_VALUE), "model.vocab['a'] is 2147483647");
    llama(r -> vocab(r).put("a", 64.5), "model.vocab['a'] is 64.5");
    llama(r -> vocab(r).put("a", "64"), "model.vocab['a'] is '64'");
    llama(r -> vocab(r).putNull("a"), "model.vocab['a'] is null");
    llama(r -> vocab(r).putArray("a"), "model.vocab['a'] is an array");
    llama(r -> added(r, 0).put("id", -5), "added_tokens[0].id is -5");
    llama(r -> added(r, 0).remove("id"), "added_tokens[0] needs an id");
  }

  @Test
  void idsWithAGapOrTwice() {
    llama(r -> vocab(r).put("zzz", 600), "no token has the id 512", "up to 600");
    llama(r -> vocab(r).put("zzz", 64), "'a' and 'zzz' both have the id 64");
    llama(r -> added(r, 0).put("id", 64), "both have the id 64");
    llama(r -> added(r, 0).put("content", "a"), "'a' has the id 64 in vocab and 507");
    llama(r -> added(r, 0).put("content", "<|eot_id|>"), "'<|eot_id|>' is there twice");
  }

  @Test
  void fieldsTwice() throws IOException {
    String json = TokenizerFile.text("llama-tiny/tokenizer.json");
    text(json.replaceFirst("\"vocab\"\\s*:\\s*\\{", "\"vocab\":{\"a\":64,"), "has 'a' twice");
    text(json.replaceFirst("\\{", "{\"model\":{},"), "model twice");
  }

  @Test
  void mergesOfWhatIsNotThere() {
    llama(
        r -> merges(r).addArray().add("zq").add("a"),
        "merges[",
        "needs the token 'zq', which vocab does not have");
    llama(r -> merges(r).addArray().add("q").add("z"), "needs the token 'qz'");
    llama(r -> merges(r).addArray().add("").add("a"), "needs the token ''");
    llama(r -> merges(r).insert(0, merges(r).get(5).deepCopy()), "merges[6]", "is merges[0] again");
    llama(r -> merges(r).addArray().add("a"), "has 1 tokens; expected two");
    llama(r -> merges(r).addArray().add("a").add("b").add("c"), "more than two tokens");
    llama(r -> merges(r).add("a b c"), "is 'a b c'; expected two tokens and a space");
    llama(r -> merges(r).add("ab"), "is 'ab'; expected two tokens");
    llama(r -> merges(r).add(7), "is 7; expected an array");
  }

  @Test
  void kindsThatAreNotKnown() {
    llama(r -> model(r).put("type", "Unigram"), "model.type is 'Unigram'; expected BPE");
    llama(r -> model(r).put("byte_fallback", true), "model.byte_fallback is true");
    llama(r -> model(r).put("dropout", 0.1), "model.dropout is 0.1");
    llama(r -> model(r).put("end_of_word_suffix", "</w>"), "model.end_of_word_suffix is \"</w>\"");
    llama(r -> model(r).put("ignore_merges", "yes"), "model.ignore_merges is 'yes'");
    llama(
        r -> ((ObjectNode) r).putObject("normalizer").put("type", "Lowercase"),
        "normalizer.type is 'Lowercase'; expected NFC or none");
    llama(
        r -> ((ObjectNode) r).putObject("pre_tokenizer").put("type", "Metaspace"),
        "pre_tokenizer is Metaspace");
    llama(r -> ((ObjectNode) r).remove("pre_tokenizer"), "it has no pre_tokenizer");
    llama(r -> ((ObjectNode) r).putNull("pre_tokenizer"), "pre_tokenizer is null");
    llama(
        r ->
            ((ObjectNode) r.path("pre_tokenizer").path("pretokenizers").path(0))
                .putObject("pattern")
                .put("Regex", "(a+)+$"),
        "pattern.Regex is '(a+)+$'; expected the one of GPT-2, Llama 3 or Qwen 2");
    llama(
        r ->
            ((ObjectNode) r.path("pre_tokenizer").path("pretokenizers").path(1))
                .put("add_prefix_space", true),
        "add_prefix_space is true");
    llama(
        r -> ((ObjectNode) r).putObject("decoder").put("type", "WordPiece"),
        "decoder.type is 'WordPiece'");
    llama(r -> ((ObjectNode) r).remove("model"), "it has no model");
  }

  @Test
  void vocabulariesThatAreNoBytes() {
    llama(
        r -> {
          vocab(r).remove("a");
          vocab(r).put("\u2581a", 64);
        },
        "the token 64, '\u2581a', has a character that stands for no byte");
    llama(
        r -> {
          vocab(r).remove("\u0100");
          vocab(r).put("zzzz", 188);
        },
        "byte 0x00");
  }

  @Test
  void textsThatBeginWithNothing() {
    llama(
        r ->
            ((ObjectNode)
                    r.path("post_processor")
                        .path("processors")
                        .path(1)
                        .path("special_tokens")
                        .path("<|begin_of_text|>"))
                .putArray("ids")
                .add(5000),
        "texts begin with the token 5000");
  }

  @Test
  void namesThatCouldHarmATerminal() {
    llama(r -> vocab(r).put("\u001b[31mred\n", -1), "\\u001b[31mred\\u000a");
    llama(r -> model(r).put("type", "\u001b]0;x\u0007"), "\\u001b]0;x\\u0007");
    llama(r -> vocab(r).put("\u202eevil", -1), "\\u202eevil");
    llama(r -> merges(r).add("x".repeat(100_000)), "xxx…");
  }

  @Test
  void filesThatAreNoJson() throws IOException {
    text("{", "not the JSON");
    text("{\"model\":", "not the JSON");
    text("[]", "the file is an array; expected an object");
    text("\"a\"", "the file is 'a'; expected an object");
    text("{} {}", "it has no model");
    text(TokenizerFile.text("llama-tiny/tokenizer.json") + "x", "not the JSON");
    text(TokenizerFile.text("llama-tiny/tokenizer.json") + "{}", "goes on behind its JSON");
    text("{\"post_processor\":" + "[".repeat(100_000), "depth");
    text("{\"post_processor\":" + "[".repeat(31) + "]".repeat(31) + "}", "it has no model");
    text(
        "{\"post_processor\":["
            + IntStream.range(0, 300_000).mapToObj(i -> "0").collect(Collectors.joining(","))
            + "]}",
        "more than 200000 values");
    refused(Files.write(temp.resolve("a.json"), new byte[] {'{', '"', (byte) 0xFF}), "a.json");
    refused(Files.createDirectory(temp.resolve("empty")), "has no tokenizer.json");
    Files.createDirectories(temp.resolve("folder/tokenizer.json"));
    refused(temp.resolve("folder"), "is a directory; expected a file");
  }

  @Test
  void ranksThatAreNone() throws IOException {
    Path file = temp.resolve("ranks.tiktoken");
    String bytes =
        IntStream.range(0, 256)
            .mapToObj(b -> Base64.getEncoder().encodeToString(new byte[] {(byte) b}) + " " + b)
            .collect(Collectors.joining("\n"));
    refused(Files.writeString(file, bytes + "\nYWI 256\n!!! 257"), "line 258: '!!!' is not base64");
    refused(Files.writeString(file, bytes + "\nYWI= 255"), "line 257: the rank 255 is there twice");
    refused(Files.writeString(file, bytes + "\nYWI= 300"), "no token has the rank 256");
    refused(Files.writeString(file, bytes + "\nYWI="), "line 257 is 'YWI='; expected");
    refused(Files.writeString(file, bytes + "\nYWI= -1"), "line 257 is 'YWI= -1'");
    refused(Files.writeString(file, bytes + "\nYWI= 2147483647"), "line 257 is");
    refused(Files.writeString(file, bytes), "it has 256 tokens", "add pattern gpt2");
    refused(Files.writeString(file, "\n\u000e\n\u0005<unk>\u0015"), "SentencePiece");
    refused(Files.writeString(file, ""), "it has 0 tokens");
    Definition windows =
        RankFile.read(
            "x",
            (bytes.replace("\n", "\r\n") + "\r\nYWI= 256\r\n").getBytes(StandardCharsets.UTF_8),
            Optional.of(PreTokenizer.GPT2));
    assertEquals(256, new BytePairTokenizer(windows).encode("ab")[0]);
    Failure twice =
        assertThrows(
            Failure.class,
            () ->
                RankFile.read(
                    "x",
                    (bytes + "\nYQ== 256").getBytes(StandardCharsets.UTF_8),
                    Optional.of(PreTokenizer.GPT2)));
    assertTrue(twice.getMessage().contains("the ranks 97 and 256 have the same token"));
    Failure missing =
        assertThrows(
            Failure.class,
            () ->
                RankFile.read(
                    "x",
                    "YQ== 0".getBytes(StandardCharsets.UTF_8),
                    Optional.of(PreTokenizer.GPT2)));
    assertTrue(missing.getMessage().contains("no token for the byte 0x00"));
  }

  @Test
  void vocabAndMergesThatDoNotFit() throws IOException {
    for (String name : new String[] {"vocab.json", "merges.txt", "tokenizer_config.json"}) {
      Files.copy(TokenizerFile.path("gpt2-tiny").resolve(name), temp.resolve(name));
    }
    Path merges = temp.resolve("merges.txt");
    Path config = temp.resolve("tokenizer_config.json");
    String good = Files.readString(merges);
    Files.writeString(merges, good + "one\n");
    refused(temp, "merges.txt line ", "is 'one'; expected two tokens");
    Files.writeString(merges, good + "zq zq\n");
    refused(temp.resolve("vocab.json"), "needs the token 'zq'");
    Files.write(merges, new byte[] {(byte) 0xFF});
    refused(merges, "merges.txt is not UTF-8");
    Files.writeString(merges, good);
    Files.writeString(config, "{\"tokenizer_class\":\"BertTokenizer\"}");
    refused(temp, "tokenizer_class is 'BertTokenizer'");
    Files.writeString(config, "{\"add_prefix_space\":true}");
    refused(temp, "add_prefix_space is true");
    Files.writeString(config, "{\"added_tokens_decoder\":{\"../../x\":{\"content\":\"y\"}}}");
    refused(temp, "added_tokens_decoder['../../x']");
    Files.delete(config);
    Files.delete(merges);
    refused(temp, "merges.txt does not exist");
  }

  @Test
  void filesWithoutAnEnd() {
    Failure failure =
        assertThrows(
            Failure.class, () -> TokenizerFiles.read(Path.of("/dev/zero"), Optional.empty()));
    assertTrue(failure.getMessage().contains("/dev/zero is a device"), failure.getMessage());
  }
}
