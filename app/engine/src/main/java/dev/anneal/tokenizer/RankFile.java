package dev.anneal.tokenizer;

import static dev.anneal.failure.Spelling.setting;
import static dev.anneal.tokenizer.JsonFile.shown;

import dev.anneal.failure.Failure;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * tiktoken's rank files: a token in base64 and its rank in each line. Two tokens merge when both
 * together are a token, the lowest first. A file does not say how text is cut nor which marks there
 * are; of the published ones, the number of their tokens does.
 */
final class RankFile {
  private static final int GPT2_TOKENS = 50_256;
  private static final int LLAMA3_TOKENS = 128_000;
  private static final int QWEN_TOKENS = 151_643;
  private static final int LLAMA3_MARKS = 256;

  private static final List<String> LLAMA3_NAMES =
      List.of(
          "<|begin_of_text|>",
          "<|end_of_text|>",
          "<|reserved_special_token_0|>",
          "<|reserved_special_token_1|>",
          "<|finetune_right_pad_id|>",
          "<|reserved_special_token_2|>",
          "<|start_header_id|>",
          "<|end_header_id|>",
          "<|eom_id|>",
          "<|eot_id|>",
          "<|python_tag|>");
  private static final int LLAMA3_FIRST_RESERVED = 3;

  private final Function<String, Failure> bad;

  private RankFile(Function<String, Failure> bad) {
    this.bad = bad;
  }

  /**
   * Reads a file.
   *
   * @param name to name in failures
   * @param asked how text is cut, where the number of tokens does not say it
   * @throws Failure naming the file, the line and what is wrong with it
   */
  static Definition read(String name, byte[] file, Optional<PreTokenizer> asked) {
    return new RankFile(what -> Failure.failed(name + ": " + what)).definition(file, asked);
  }

  private Definition definition(byte[] file, Optional<PreTokenizer> asked) {
    List<byte[]> tokens = tokens(file);
    PreTokenizer preTokenizer =
        asked
            .or(() -> published(tokens.size()))
            .orElseThrow(
                () ->
                    bad.apply(
                        "it has "
                            + tokens.size()
                            + " tokens, and does not say how they cut a text; add "
                            + setting("pattern")
                            + " gpt2, llama3 or qwen2"));
    List<AddedToken> added = new ArrayList<>();
    List<byte[]> all = new ArrayList<>(tokens);
    for (String mark : marks(preTokenizer)) {
      added.add(AddedToken.mark(all.size(), mark));
      all.add(mark.getBytes(StandardCharsets.UTF_8));
    }
    BitSet searched = new BitSet();
    searched.set(0, tokens.size());
    Vocabulary vocabulary = new Vocabulary(all, searched);
    return new Definition(
        preTokenizer,
        preTokenizer == PreTokenizer.QWEN2,
        new BytePairs(vocabulary, merges(tokens, vocabulary), byteTokens(vocabulary), true),
        added,
        preTokenizer == PreTokenizer.LLAMA3 ? OptionalInt.of(tokens.size()) : OptionalInt.empty());
  }

  private static Optional<PreTokenizer> published(int tokens) {
    return switch (tokens) {
      case GPT2_TOKENS -> Optional.of(PreTokenizer.GPT2);
      case LLAMA3_TOKENS -> Optional.of(PreTokenizer.LLAMA3);
      case QWEN_TOKENS -> Optional.of(PreTokenizer.QWEN2);
      default -> Optional.empty();
    };
  }

  private static List<String> marks(PreTokenizer preTokenizer) {
    return switch (preTokenizer) {
      case GPT2 -> List.of("<|endoftext|>");
      case QWEN2 -> List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>");
      case LLAMA3 ->
          IntStream.range(0, LLAMA3_MARKS)
              .mapToObj(
                  i ->
                      i < LLAMA3_NAMES.size()
                          ? LLAMA3_NAMES.get(i)
                          : "<|reserved_special_token_%d|>"
                              .formatted(i - LLAMA3_NAMES.size() + LLAMA3_FIRST_RESERVED))
              .toList();
    };
  }

  /** Tokens by rank. */
  private List<byte[]> tokens(byte[] file) {
    List<byte[]> tokens = new ArrayList<>();
    int number = 0;
    for (int from = 0; from < file.length; ) {
      int end = from;
      while (end < file.length && file[end] != '\n') {
        end++;
      }
      number++;
      String line = new String(file, from, end - from, StandardCharsets.ISO_8859_1).stripTrailing();
      if (!line.isEmpty()) {
        line(line, number, tokens);
      }
      from = end + 1;
    }
    for (int rank = 0; rank < tokens.size(); rank++) {
      if (tokens.get(rank).length == 0) {
        throw bad.apply(
            "no token has the rank " + rank + ", and ranks go up to " + (tokens.size() - 1));
      }
    }
    return tokens;
  }

  private void line(String line, int number, List<byte[]> tokens) {
    int space = line.indexOf(' ');
    String rank = line.substring(space + 1);
    int id =
        space > 0 && rank.matches("\\d{1,7}")
            ? Integer.parseInt(rank)
            : DefinitionBuilder.MAXIMUM_TOKENS;
    if (id >= DefinitionBuilder.MAXIMUM_TOKENS) {
      throw bad.apply(
          "line %d is '%s'; expected a token in base64, a space and a rank below %d"
              .formatted(number, shown(line), DefinitionBuilder.MAXIMUM_TOKENS));
    }
    byte[] token;
    try {
      token = Base64.getDecoder().decode(line.substring(0, space));
    } catch (IllegalArgumentException e) {
      throw bad.apply(
          "line %d: '%s' is not base64".formatted(number, shown(line.substring(0, space))));
    }
    if (token.length > AddedToken.LONGEST) {
      throw bad.apply(
          "line %d: a token of %d bytes; expected at most %d"
              .formatted(number, token.length, AddedToken.LONGEST));
    }
    while (tokens.size() <= id) {
      tokens.add(new byte[0]);
    }
    if (tokens.get(id).length > 0) {
      throw bad.apply("line %d: the rank %d is there twice".formatted(number, id));
    }
    tokens.set(id, token);
  }

  private int[] byteTokens(Vocabulary vocabulary) {
    int[] ids = new int[256];
    for (int b = 0; b < ids.length; b++) {
      ids[b] = vocabulary.find(new byte[] {(byte) b}, 0, 1);
      if (ids[b] < 0) {
        throw bad.apply("it has no token for the byte 0x%02X; expected all 256".formatted(b));
      }
    }
    return ids;
  }

  /** Every way to make a token of two others. */
  private Merges merges(List<byte[]> tokens, Vocabulary vocabulary) {
    TokenBuffer lefts = new TokenBuffer(4 * tokens.size());
    TokenBuffer rights = new TokenBuffer(4 * tokens.size());
    TokenBuffer results = new TokenBuffer(4 * tokens.size());
    for (int rank = 0; rank < tokens.size(); rank++) {
      byte[] token = tokens.get(rank);
      int first = vocabulary.find(token, 0, token.length);
      if (first != rank) {
        throw bad.apply("the ranks %d and %d have the same token".formatted(first, rank));
      }
      List<int[]> splits = new ArrayList<>();
      for (int i = 1; i < token.length; i++) {
        int left = vocabulary.find(token, 0, i);
        int right = left < 0 ? -1 : vocabulary.find(token, i, token.length);
        if (right >= 0) {
          splits.add(new int[] {left, right});
        }
      }
      splits.sort(Comparator.<int[]>comparingInt(s -> s[0]).thenComparingInt(s -> s[1]));
      for (int[] split : splits) {
        lefts.add(split[0]);
        rights.add(split[1]);
        results.add(rank);
      }
    }
    return new Merges(lefts.toArray(), rights.toArray(), results.toArray());
  }
}
