package dev.anneal.tokenizer;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Finds added tokens in a text: the leftmost, and the longest of those that begin there. */
final class AddedTokens {
  private final List<AddedToken> tokens;
  private final Node root = new Node();

  /** A character of the beginnings of tokens. */
  private static final class Node {
    private final Map<Character, Node> children = new HashMap<>();
    private Optional<AddedToken> token = Optional.empty();
  }

  /** A token in a text, with the white space that it takes. */
  record Match(AddedToken token, int from, int to) {}

  AddedTokens(List<AddedToken> tokens) {
    this.tokens = List.copyOf(tokens);
    for (AddedToken token : tokens) {
      Node node = root;
      for (char c : token.content().toCharArray()) {
        node = node.children.computeIfAbsent(c, unused -> new Node());
      }
      node.token = Optional.of(token);
    }
  }

  boolean isEmpty() {
    return tokens.isEmpty();
  }

  /** The first token from {@code from} on; what stands before it was taken already. */
  Optional<Match> next(String text, int from) {
    for (int at = from; at < text.length(); at++) {
      Node node = root.children.get(text.charAt(at));
      if (node == null) {
        continue;
      }
      Optional<AddedToken> longest = longest(text, at, node);
      if (longest.isPresent()) {
        return Optional.of(match(text, from, at, longest.get()));
      }
    }
    return Optional.empty();
  }

  private static Optional<AddedToken> longest(String text, int from, Node first) {
    Optional<AddedToken> longest = Optional.empty();
    int end = from + 1;
    for (Node node = first; node != null; node = node.children.get(text.charAt(end++))) {
      if (node.token.isPresent() && (!node.token.get().singleWord() || isWord(text, from, end))) {
        longest = node.token;
      }
      if (end == text.length()) {
        break;
      }
    }
    return longest;
  }

  private static boolean isWord(String text, int from, int to) {
    return (from == 0 || !isWordCharacter(text.codePointBefore(from)))
        && (to == text.length() || !isWordCharacter(text.codePointAt(to)));
  }

  private static boolean isWordCharacter(int c) {
    return Character.isLetterOrDigit(c)
        || c == '_'
        || Character.getType(c) == Character.NON_SPACING_MARK
        || Character.getType(c) == Character.CONNECTOR_PUNCTUATION;
  }

  private static Match match(String text, int earliest, int at, AddedToken token) {
    int from = at;
    int to = at + token.content().length();
    while (token.leftSpace() && from > earliest && isSpace(text.charAt(from - 1))) {
      from--;
    }
    while (token.rightSpace() && to < text.length() && isSpace(text.charAt(to))) {
      to++;
    }
    return new Match(token, from, to);
  }

  /** All white space is in the basic plane. */
  private static boolean isSpace(char c) {
    return CharacterClass.of(c) == CharacterClass.SPACE;
  }

  /** Whether a token may begin before {@code at} and end, with its white space, behind it. */
  boolean crosses(CharSequence text, int at) {
    for (AddedToken token : tokens) {
      String content = token.content();
      for (int before = 1; before <= Math.min(at, content.length()); before++) {
        boolean whole = before == content.length();
        if (whole && !token.rightSpace()) {
          continue;
        }
        int known = Math.min(content.length(), text.length() - (at - before));
        if (content.contentEquals(text.subSequence(at - before, at - before + known))
            || known < content.length()
                && content.startsWith(text.subSequence(at - before, text.length()).toString())) {
          return true;
        }
      }
    }
    return false;
  }
}
