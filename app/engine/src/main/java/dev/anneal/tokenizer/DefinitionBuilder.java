package dev.anneal.tokenizer;

import static dev.anneal.tokenizer.JsonFile.shown;

import dev.anneal.failure.Failure;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.IntStream;

/** Puts together what a tokenizer's files say, and refuses what contradicts itself. */
final class DefinitionBuilder {
  /** Ids are below it: several times the largest published vocabulary. */
  static final int MAXIMUM_TOKENS = 1 << 21;

  private static final int MAXIMUM_MERGES = 1 << 22;

  private final Function<String, Failure> bad;
  private final Map<String, Integer> vocabulary = new HashMap<>();
  private final Map<String, AddedToken> added = new HashMap<>();

  /** Of the merges, left and right in turn. */
  private final List<String> merges = new ArrayList<>();

  /**
   * Nothing yet.
   *
   * @param bad makes a failure of what is wrong, which names the file
   */
  DefinitionBuilder(Function<String, Failure> bad) {
    this.bad = bad;
  }

  void token(String token, int id) {
    if (token.isEmpty()) {
      throw bad.apply("vocab has an empty token, with the id " + id);
    }
    if (vocabulary.put(token, id) != null) {
      throw bad.apply("vocab has '" + shown(token) + "' twice");
    }
  }

  void add(AddedToken token) {
    if (token.content().isEmpty() || token.content().length() > AddedToken.LONGEST) {
      throw bad.apply(
          "the added token %d has %d characters; expected 1 to %d"
              .formatted(token.id(), token.content().length(), AddedToken.LONGEST));
    }
    if (added.put(token.content(), token) != null) {
      throw bad.apply("the added token '" + shown(token.content()) + "' is there twice");
    }
  }

  void merge(String left, String right) {
    if (merges.size() == 2 * MAXIMUM_MERGES) {
      throw bad.apply("there are more than " + MAXIMUM_MERGES + " merges");
    }
    merges.add(left);
    merges.add(right);
  }

  /** A merge as text, with a space between left and right. */
  void mergeText(String text, String where) {
    int space = text.indexOf(' ');
    if (space <= 0 || space == text.length() - 1 || text.indexOf(' ', space + 1) >= 0) {
      throw bad.apply(where + " is '" + shown(text) + "'; expected two tokens and a space between");
    }
    merge(text.substring(0, space), text.substring(space + 1));
  }

  /** What vocab has under this name. */
  OptionalInt id(String token) {
    Integer id = vocabulary.get(token);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /**
   * All of it.
   *
   * @param begin the name of what a text begins with; empty for nothing
   */
  Definition build(
      PreTokenizer preTokenizer, boolean composed, boolean wholePieces, OptionalInt begin) {
    String[] names = names();
    List<byte[]> tokens = new ArrayList<>();
    BitSet searched = new BitSet();
    for (int id = 0; id < names.length; id++) {
      String name = names[id];
      if (added.containsKey(name)) {
        tokens.add(name.getBytes(StandardCharsets.UTF_8));
      } else {
        int at = id;
        tokens.add(
            ByteLevel.bytes(name)
                .orElseThrow(
                    () ->
                        bad.apply(
                            "the token %d, '%s', has a character that stands for no byte; only byte-level tokenizers are known"
                                .formatted(at, shown(name)))));
      }
      if (vocabulary.containsKey(name)) {
        searched.set(id);
      }
    }
    begin.ifPresent(
        id -> {
          if (id >= names.length) {
            throw bad.apply("texts begin with the token " + id + ", which is not there");
          }
        });
    Vocabulary found = new Vocabulary(tokens, searched);
    return new Definition(
        preTokenizer,
        composed,
        new BytePairs(found, merges(), byteTokens(), wholePieces),
        added.values().stream().sorted(Comparator.comparingInt(AddedToken::id)).toList(),
        begin);
  }

  /** Tokens by id. */
  private String[] names() {
    int most =
        IntStream.concat(
                vocabulary.values().stream().mapToInt(id -> id),
                added.values().stream().mapToInt(AddedToken::id))
            .max()
            .orElseThrow(() -> bad.apply("there is no token"));
    String[] names = new String[most + 1];
    vocabulary.forEach((name, id) -> name(names, name, id));
    added.values().forEach(token -> name(names, token.content(), token.id()));
    for (int id = 0; id < names.length; id++) {
      if (names[id] == null) {
        throw bad.apply(
            "no token has the id " + id + ", and ids go up to " + most + "; expected every id");
      }
    }
    return names;
  }

  private void name(String[] names, String name, int id) {
    String other = names[id];
    if (other != null && !other.equals(name)) {
      throw bad.apply(
          "'%s' and '%s' both have the id %d"
              .formatted(shown(min(name, other)), shown(max(name, other)), id));
    }
    Integer own = vocabulary.get(name);
    if (own != null && own != id) {
      throw bad.apply(
          "'%s' has the id %d in vocab and %d among the added tokens"
              .formatted(shown(name), own, id));
    }
    names[id] = name;
  }

  private static String min(String a, String b) {
    return a.compareTo(b) < 0 ? a : b;
  }

  private static String max(String a, String b) {
    return a.compareTo(b) < 0 ? b : a;
  }

  private int[] byteTokens() {
    int[] tokens = new int[256];
    for (int b = 0; b < tokens.length; b++) {
      String name = String.valueOf(ByteLevel.character(b));
      Integer id = vocabulary.get(name);
      if (id == null) {
        throw bad.apply(
            "vocab has no token for the byte 0x%02X, '%s'; a byte-level tokenizer has all 256"
                .formatted(b, name));
      }
      tokens[b] = id;
    }
    return tokens;
  }

  private Merges merges() {
    int n = merges.size() / 2;
    int[] lefts = new int[n];
    int[] rights = new int[n];
    int[] results = new int[n];
    Map<Long, Integer> seen = new HashMap<>();
    for (int rank = 0; rank < n; rank++) {
      String left = merges.get(2 * rank);
      String right = merges.get(2 * rank + 1);
      lefts[rank] = known(left, rank);
      rights[rank] = known(right, rank);
      results[rank] = known(left + right, rank);
      Integer before = seen.put((long) lefts[rank] << 32 | rights[rank], rank);
      if (before != null) {
        throw bad.apply(
            "merges[%d], '%s' and '%s', is merges[%d] again"
                .formatted(rank, shown(left), shown(right), before));
      }
    }
    return new Merges(lefts, rights, results);
  }

  private int known(String token, int rank) {
    Integer id = vocabulary.get(token);
    if (id == null || token.isEmpty()) {
      throw bad.apply(
          "merges[%d] needs the token '%s', which vocab does not have"
              .formatted(rank, shown(token)));
    }
    return id;
  }
}
