package dev.anneal.tokenizer;

/**
 * A token that is found in a text before it is cut into pieces.
 *
 * @param content what stands for it
 * @param special whether it is a mark, such as the end of a text, which ordinary text never becomes
 * @param normalized whether it is looked for in the normalized text
 * @param leftSpace whether white space before it becomes part of it: {@code lstrip}
 * @param rightSpace the same of white space behind it: {@code rstrip}
 * @param singleWord whether it is no part of a longer word
 */
record AddedToken(
    int id,
    String content,
    boolean special,
    boolean normalized,
    boolean leftSpace,
    boolean rightSpace,
    boolean singleWord) {
  /** The longest content, in characters, so that no text is long to search. */
  static final int LONGEST = 1024;

  /** A mark without any liberties. */
  static AddedToken mark(int id, String content) {
    return new AddedToken(id, content, true, false, false, false, false);
  }
}
