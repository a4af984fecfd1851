package dev.anneal.tokenizer;

import static dev.anneal.tokenizer.JsonFile.shown;

import com.fasterxml.jackson.databind.JsonNode;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Hugging Face's {@code tokenizer.json}, of byte-level BPE tokenizers with a published
 * pre-tokenizer. What would change ids and is not known here is refused by its name; truncation and
 * padding, which concern batches of another program, are passed over.
 */
final class TokenizerJson {
  static final String NAME = "tokenizer.json";

  private final JsonFile json;
  private final DefinitionBuilder builder;
  private Optional<PreTokenizer> preTokenizer = Optional.empty();
  private boolean composed;
  private boolean wholePieces;
  private boolean hasModel;
  private OptionalInt begin = OptionalInt.empty();

  private TokenizerJson(JsonFile json) {
    this.json = json;
    this.builder = new DefinitionBuilder(json::bad);
  }

  /**
   * Reads a file.
   *
   * @throws Failure naming the file, the field and what is wrong with it
   */
  static Definition read(Path file) {
    List<Definition> read = new ArrayList<>(1);
    JsonFile.read(file, json -> read.add(new TokenizerJson(json).definition()));
    return read.getFirst();
  }

  private Definition definition() throws IOException {
    json.fields(
        "the file",
        name -> {
          switch (name) {
            case "added_tokens" -> addedTokens();
            case "normalizer" -> composed = composes(json.tree(name));
            case "pre_tokenizer" -> preTokenizer = Optional.of(preTokenizer(json.tree(name)));
            case "post_processor" -> begin(json.tree(name));
            case "decoder" -> requireByteLevel(json.tree(name));
            case "model" -> {
              hasModel = true;
              model();
            }
            default -> json.skip();
          }
        });
    if (!hasModel) {
      throw json.bad("it has no model; expected the tokenizer.json of a tokenizer");
    }
    PreTokenizer cut =
        preTokenizer.orElseThrow(() -> json.bad("it has no pre_tokenizer; expected " + known()));
    return builder.build(cut, composed, wholePieces, begin);
  }

  private void addedTokens() throws IOException {
    json.array("added_tokens", i -> builder.add(addedToken("added_tokens[" + i + "]")));
  }

  private AddedToken addedToken(String where) throws IOException {
    int[] id = {-1};
    String[] content = {""};
    boolean[] flags = new boolean[5];
    json.fields(
        where,
        name -> {
          String at = where + "." + name;
          switch (name) {
            case "id" -> id[0] = json.whole(at, DefinitionBuilder.MAXIMUM_TOKENS - 1);
            case "content" -> content[0] = json.text(at);
            case "special" -> flags[0] = json.truth(at);
            case "normalized" -> flags[1] = json.truth(at);
            case "lstrip" -> flags[2] = json.truth(at);
            case "rstrip" -> flags[3] = json.truth(at);
            case "single_word" -> flags[4] = json.truth(at);
            default -> json.skip();
          }
        });
    if (id[0] < 0 || content[0].isEmpty()) {
      throw json.bad(where + " needs an id and a content");
    }
    return new AddedToken(id[0], content[0], flags[0], flags[1], flags[2], flags[3], flags[4]);
  }

  private boolean composes(JsonNode node) {
    if (node.isNull() || type(node).equals("Sequence") && node.path("normalizers").isEmpty()) {
      return false;
    }
    if (type(node).equals("NFC")) {
      return true;
    }
    throw json.bad("normalizer.type is '" + shown(type(node)) + "'; expected NFC or none");
  }

  private PreTokenizer preTokenizer(JsonNode node) {
    if (type(node).equals("ByteLevel")) {
      requireNoPrefix(node);
      if (node.path("use_regex").asBoolean(true)) {
        return PreTokenizer.GPT2;
      }
    }
    JsonNode parts = node.path("pretokenizers");
    if (type(node).equals("Sequence")
        && parts.size() == 2
        && type(parts.path(0)).equals("Split")
        && type(parts.path(1)).equals("ByteLevel")
        && !parts.path(1).path("use_regex").asBoolean(true)) {
      requireNoPrefix(parts.path(1));
      return split(parts.path(0));
    }
    throw json.bad("pre_tokenizer is " + shown(types(node)) + "; expected " + known());
  }

  private PreTokenizer split(JsonNode node) {
    String regex = node.path("pattern").path("Regex").asText();
    boolean isolated = node.path("behavior").asText().equals("Isolated");
    if (!isolated || node.path("invert").asBoolean()) {
      throw json.bad(
          "pre_tokenizer.pretokenizers[0].behavior is '%s'%s; expected Isolated, not inverted"
              .formatted(
                  shown(node.path("behavior").asText()),
                  node.path("invert").asBoolean() ? " and inverted" : ""));
    }
    return PreTokenizer.ofRegex(regex)
        .orElseThrow(
            () ->
                json.bad(
                    "pre_tokenizer.pretokenizers[0].pattern.Regex is '"
                        + shown(regex)
                        + "'; expected the one of GPT-2, Llama 3 or Qwen 2"));
  }

  private static String known() {
    return "ByteLevel, as GPT-2 has it, or Split and ByteLevel, as Llama 3 and Qwen have them";
  }

  private void requireNoPrefix(JsonNode byteLevel) {
    if (byteLevel.path("add_prefix_space").asBoolean(true)) {
      throw json.bad(
          "pre_tokenizer.add_prefix_space is true, which changes a text; only false is known");
    }
  }

  private static String types(JsonNode node) {
    JsonNode parts = node.path("pretokenizers");
    if (parts.isEmpty()) {
      return node.isNull() ? "null" : type(node);
    }
    List<String> types = new ArrayList<>();
    parts.forEach(part -> types.add(type(part)));
    return String.join(" and ", types);
  }

  private static String type(JsonNode node) {
    return node.path("type").asText("");
  }

  /** What a template puts before a single text. */
  private void begin(JsonNode node) {
    List<JsonNode> processors = new ArrayList<>();
    node.path("processors").forEach(processors::add);
    processors.add(node);
    for (JsonNode processor : processors) {
      JsonNode first = processor.path("single").path(0).path("SpecialToken").path("id");
      if (type(processor).equals("TemplateProcessing") && first.isTextual()) {
        JsonNode id = processor.path("special_tokens").path(first.asText()).path("ids").path(0);
        if (!id.isNumber() || id.asDouble() != id.asInt() || id.asInt() < 0) {
          throw json.bad(
              "post_processor has no id for '"
                  + shown(first.asText())
                  + "', with which texts begin");
        }
        begin = OptionalInt.of(id.asInt());
      }
    }
  }

  private void requireByteLevel(JsonNode node) {
    if (!node.isNull() && !type(node).equals("ByteLevel")) {
      throw json.bad("decoder.type is '" + shown(type(node)) + "'; expected ByteLevel");
    }
  }

  private void model() throws IOException {
    json.fields(
        "model",
        name -> {
          String at = "model." + name;
          switch (name) {
            case "type" -> requireBpe(json.text(at));
            case "vocab" ->
                json.object(
                    at,
                    token ->
                        builder.token(
                            token,
                            json.whole(
                                "model.vocab['" + shown(token) + "']",
                                DefinitionBuilder.MAXIMUM_TOKENS - 1)));
            case "merges" -> json.array(at, i -> merge(at + "[" + i + "]"));
            case "ignore_merges" -> wholePieces = json.truth(at);
            case "byte_fallback" -> {
              if (json.truth(at)) {
                throw json.bad(
                    "model.byte_fallback is true, which is not known here; only byte-level"
                        + " tokenizers are");
              }
            }
            case "dropout", "continuing_subword_prefix", "end_of_word_suffix" ->
                requireNothing(json.tree(at), at);
            default -> json.skip();
          }
        });
  }

  private void requireBpe(String type) {
    if (!type.equals("BPE")) {
      throw json.bad("model.type is '" + shown(type) + "'; expected BPE");
    }
  }

  private void requireNothing(JsonNode node, String where) {
    boolean nothing =
        node.isNull() || node.isTextual() && node.asText().isEmpty() || node.asDouble(1) == 0;
    if (!nothing) {
      throw json.bad(
          where + " is " + shown(node.toString()) + ", which is not known here; expected null");
    }
  }

  private void merge(String where) throws IOException {
    if (json.isText()) {
      builder.mergeText(json.text(where), where);
      return;
    }
    List<String> pair = new ArrayList<>(2);
    json.array(
        where,
        i -> {
          if (i > 1) {
            throw json.bad(where + " has more than two tokens; expected two");
          }
          pair.add(json.text(where + "[" + i + "]"));
        });
    if (pair.size() != 2) {
      throw json.bad(where + " has " + pair.size() + " tokens; expected two");
    }
    builder.merge(pair.getFirst(), pair.getLast());
  }
}
