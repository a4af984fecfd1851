package dev.anneal.tokenizer;

import static dev.anneal.tokenizer.JsonFile.shown;

import com.fasterxml.jackson.databind.JsonNode;
import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.InputFile;
import dev.anneal.failure.Failure;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * {@code vocab.json} with {@code merges.txt}, as GPT-2 was published; what {@code
 * tokenizer_config.json} and {@code added_tokens.json} beside them say of other tokens counts.
 */
final class VocabAndMerges {
  static final String VOCAB = "vocab.json";
  static final String MERGES = "merges.txt";
  static final String CONFIG = "tokenizer_config.json";
  private static final String ADDED = "added_tokens.json";
  private static final String END_OF_TEXT = "<|endoftext|>";

  private VocabAndMerges() {}

  /**
   * Reads the files of a folder.
   *
   * @throws Failure naming the file and what is wrong with it
   */
  static Definition read(Path folder) {
    Path vocab = folder.resolve(VOCAB);
    Path merges = folder.resolve(MERGES);
    DefinitionBuilder builder =
        new DefinitionBuilder(what -> Failure.failed(FileFailures.shown(vocab) + ": " + what));
    JsonFile.read(
        vocab,
        json ->
            json.object(
                "the file",
                token ->
                    builder.token(
                        token,
                        json.whole(
                            "'" + shown(token) + "'", DefinitionBuilder.MAXIMUM_TOKENS - 1))));
    merges(merges, builder);
    PreTokenizer preTokenizer = PreTokenizer.GPT2;
    Map<Integer, AddedToken> added = new TreeMap<>();
    Path config = folder.resolve(CONFIG);
    if (Files.exists(config)) {
      JsonNode node = tree(config);
      preTokenizer = preTokenizer(config, node);
      node.path("added_tokens_decoder")
          .properties()
          .forEach(
              entry -> {
                AddedToken token = added(config, entry.getKey(), entry.getValue());
                added.put(token.id(), token);
              });
    }
    Path more = folder.resolve(ADDED);
    if (Files.exists(more)) {
      tree(more)
          .properties()
          .forEach(
              entry -> {
                int id = id(more, entry.getKey(), entry.getValue());
                added.putIfAbsent(id, AddedToken.mark(id, entry.getKey()));
              });
    }
    added.values().forEach(builder::add);
    if (added.isEmpty()) {
      builder.id(END_OF_TEXT).ifPresent(id -> builder.add(AddedToken.mark(id, END_OF_TEXT)));
    }
    return builder.build(
        preTokenizer, preTokenizer == PreTokenizer.QWEN2, false, OptionalInt.empty());
  }

  private static JsonNode tree(Path file) {
    JsonNode[] node = new JsonNode[1];
    JsonFile.read(file, json -> node[0] = json.tree("the file"));
    return node[0];
  }

  private static void merges(Path file, DefinitionBuilder builder) {
    String text;
    try {
      text =
          StandardCharsets.UTF_8
              .newDecoder()
              .decode(ByteBuffer.wrap(InputFile.whole(file, JsonFile.MAXIMUM_BYTES)))
              .toString();
    } catch (CharacterCodingException e) {
      throw Failure.failed(FileFailures.shown(file) + " is not UTF-8 text");
    }
    int number = 0;
    for (String line : (Iterable<String>) text.lines()::iterator) {
      number++;
      if (!line.isEmpty() && !(number == 1 && line.startsWith("#version"))) {
        builder.mergeText(line, FileFailures.shown(file) + " line " + number);
      }
    }
  }

  private static PreTokenizer preTokenizer(Path config, JsonNode node) {
    if (node.path("add_prefix_space").asBoolean()) {
      throw bad(config, "add_prefix_space is true, which changes a text; only false is known");
    }
    String kind = node.path("tokenizer_class").asText("GPT2Tokenizer");
    return switch (kind) {
      case "GPT2Tokenizer", "GPT2TokenizerFast", "PreTrainedTokenizerFast" -> PreTokenizer.GPT2;
      case "Qwen2Tokenizer", "Qwen2TokenizerFast" -> PreTokenizer.QWEN2;
      default ->
          throw bad(
              config,
              "tokenizer_class is '"
                  + shown(kind)
                  + "'; expected GPT2Tokenizer or Qwen2Tokenizer, or a tokenizer.json beside it");
    };
  }

  private static AddedToken added(Path config, String key, JsonNode node) {
    int id = Optional.of(key).filter(k -> k.matches("\\d{1,7}")).map(Integer::parseInt).orElse(-1);
    String content = node.path("content").asText("");
    if (id < 0 || id >= DefinitionBuilder.MAXIMUM_TOKENS || content.isEmpty()) {
      throw bad(
          config,
          "added_tokens_decoder['"
              + shown(key)
              + "']: expected a token's id, and an object with its content");
    }
    return new AddedToken(
        id,
        content,
        node.path("special").asBoolean(),
        node.path("normalized").asBoolean(),
        node.path("lstrip").asBoolean(),
        node.path("rstrip").asBoolean(),
        node.path("single_word").asBoolean());
  }

  private static int id(Path file, String token, JsonNode node) {
    double id = node.isNumber() ? node.asDouble() : -1;
    if (id < 0 || id >= DefinitionBuilder.MAXIMUM_TOKENS || id != Math.rint(id)) {
      throw bad(
          file,
          "'%s' is %s; expected a whole number from 0 to %d"
              .formatted(
                  shown(token), shown(node.toString()), DefinitionBuilder.MAXIMUM_TOKENS - 1));
    }
    return (int) id;
  }

  private static Failure bad(Path file, String what) {
    return Failure.failed(FileFailures.shown(file) + ": " + what);
  }
}
