package dev.anneal.tokenizer;

import java.util.List;
import java.util.OptionalInt;

/**
 * All that a byte-level tokenizer is: what its file says of how text becomes tokens.
 *
 * @param composed whether text is normalized to Unicode's NFC first
 * @param added in the order of their ids
 * @param begin what a text begins with where a model expects that, such as Llama's {@code
 *     <|begin_of_text|>}
 */
record Definition(
    PreTokenizer preTokenizer,
    boolean composed,
    BytePairs pairs,
    List<AddedToken> added,
    OptionalInt begin) {
  Definition {
    added = List.copyOf(added);
  }

  /** What stands before each document of data: the begin, else a token with a known name. */
  OptionalInt documentMark() {
    if (begin.isPresent()) {
      return begin;
    }
    return List.of("<|begin_of_text|>", "<|endoftext|>", "<|end_of_text|>", "<s>", "</s>").stream()
        .flatMap(name -> added.stream().filter(token -> token.content().equals(name)))
        .mapToInt(AddedToken::id)
        .findFirst();
  }
}
