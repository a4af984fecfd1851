package dev.anneal.tokenizer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.anneal.failure.Failure;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.PriorityQueue;

/**
 * Makes a byte-level tokenizer of a text: begins with the 256 bytes and merges, again and again,
 * the two neighbouring tokens that are next to each other most often. Of pairs that are as
 * frequent, the one whose left token has the lower id goes first, then the one whose right token
 * has; so the same text always gives the same tokenizer. Ids are those that Hugging Face's trainer
 * gives: bytes in the order of the characters that stand for them, then merges, then marks.
 *
 * <p>Source: Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", 2016.
 */
public final class BytePairTrainer {
  /** Longer pieces are counted in parts of so many bytes. */
  private static final int LONGEST_PIECE = 1 << 10;

  private static final int LEAST = 2;

  private final PreTokenizer preTokenizer;

  /** How often each piece is there; its bytes as characters. */
  private final Map<String, long[]> pieces = new HashMap<>();

  private final List<byte[]> tokens = new ArrayList<>();
  private final Map<String, Integer> ids = new HashMap<>();
  private final TokenBuffer lefts = new TokenBuffer(16);
  private final TokenBuffer rights = new TokenBuffer(16);
  private final TokenBuffer results = new TokenBuffer(16);

  private final List<Word> words = new ArrayList<>();
  private final Map<Long, Pair> pairs = new HashMap<>();
  private final PriorityQueue<Candidate> candidates = new PriorityQueue<>();

  /** A piece as the tokens that it has by now. */
  private static final class Word {
    private int[] tokens;
    private final long count;

    Word(int[] tokens, long count) {
      this.tokens = tokens;
      this.count = count;
    }
  }

  /** Two neighbours: how often, and the words that had them. */
  private static final class Pair {
    private long count;
    private final TokenBuffer words = new TokenBuffer(4);
  }

  /** A pair as it was when it was last looked at. */
  private record Candidate(long count, long pair) implements Comparable<Candidate> {
    @Override
    public int compareTo(Candidate other) {
      return count != other.count
          ? Long.compare(other.count, count)
          : Long.compare(pair, other.pair);
    }
  }

  public BytePairTrainer(PreTokenizer preTokenizer) {
    this.preTokenizer = preTokenizer;
  }

  /** The least size of a vocabulary: bytes and marks. */
  public static int smallest(PreTokenizer preTokenizer) {
    return 256 + marks(preTokenizer).size();
  }

  private static List<String> marks(PreTokenizer preTokenizer) {
    return switch (preTokenizer) {
      case GPT2 -> List.of("<|endoftext|>");
      case LLAMA3 ->
          List.of(
              "<|begin_of_text|>",
              "<|end_of_text|>",
              "<|start_header_id|>",
              "<|end_header_id|>",
              "<|eot_id|>");
      case QWEN2 -> List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>");
    };
  }

  /** Counts the pieces of a text. */
  public void add(String text) {
    byte[] utf8 = Tokenizer.wellFormed(text).getBytes(UTF_8);
    for (int at = 0; at < utf8.length; ) {
      int end = preTokenizer.pieceEnd(utf8, at, utf8.length);
      for (int from = at; from < end; from += LONGEST_PIECE) {
        int length = Math.min(LONGEST_PIECE, end - from);
        pieces.computeIfAbsent(new String(utf8, from, length, ISO_8859_1), p -> new long[1])[0]++;
      }
      at = end;
    }
  }

  /** As {@link Tokenizer#lastCut}. */
  public int lastCut(CharSequence text) {
    return preTokenizer.lastCut(text);
  }

  /**
   * The tokenizer; it can be asked for once.
   *
   * @param vocabulary tokens, marks among them
   * @throws Failure when the text does not have as many pairs
   */
  public BytePairTokenizer train(int vocabulary) {
    List<String> marks = marks(preTokenizer);
    begin();
    while (tokens.size() + marks.size() < vocabulary) {
      Candidate best = next(vocabulary, marks.size());
      merge(best.pair());
    }
    BitSet searched = new BitSet();
    searched.set(0, tokens.size());
    int[] bytes = new int[256];
    for (int b = 0; b < bytes.length; b++) {
      bytes[b] = ids.getOrDefault(String.valueOf((char) b), -1);
    }
    List<AddedToken> added = new ArrayList<>();
    OptionalInt first =
        preTokenizer == PreTokenizer.LLAMA3 ? OptionalInt.of(tokens.size()) : OptionalInt.empty();
    for (String mark : marks) {
      added.add(AddedToken.mark(tokens.size(), mark));
      tokens.add(mark.getBytes(UTF_8));
    }
    return new BytePairTokenizer(
        new Definition(
            preTokenizer,
            preTokenizer == PreTokenizer.QWEN2,
            new BytePairs(
                new Vocabulary(tokens, searched),
                new Merges(lefts.toArray(), rights.toArray(), results.toArray()),
                bytes,
                false),
            added,
            first));
  }

  /** The bytes as tokens, and all pairs of them. */
  private void begin() {
    ByteLevel.bytesInOrder().forEach(b -> token(new byte[] {(byte) (int) b}));
    pieces.forEach(
        (piece, count) -> {
          int[] word = new int[piece.length()];
          for (int i = 0; i < word.length; i++) {
            word[i] = ids.getOrDefault(String.valueOf(piece.charAt(i)), -1);
          }
          words.add(new Word(word, count[0]));
        });
    pieces.clear();
    for (int w = 0; w < words.size(); w++) {
      int[] word = words.get(w).tokens;
      for (int i = 0; i + 1 < word.length; i++) {
        count(key(word[i], word[i + 1]), words.get(w).count).words.add(w);
      }
    }
    pairs.forEach((key, pair) -> candidates.add(new Candidate(pair.count, key)));
  }

  private int token(byte[] bytes) {
    String name = new String(bytes, ISO_8859_1);
    Integer known = ids.get(name);
    if (known != null) {
      return known;
    }
    ids.put(name, tokens.size());
    tokens.add(bytes);
    return tokens.size() - 1;
  }

  private Pair count(long key, long change) {
    Pair pair = pairs.computeIfAbsent(key, k -> new Pair());
    pair.count += change;
    return pair;
  }

  private static long key(int left, int right) {
    return (long) left << 32 | right;
  }

  /** The most frequent pair. What was counted when it was queued may have become less. */
  private Candidate next(int vocabulary, int marks) {
    for (Candidate best = candidates.poll(); best != null; best = candidates.poll()) {
      Pair pair = pairs.get(best.pair());
      long now = pair == null ? 0 : pair.count;
      if (now == best.count() && now >= LEAST) {
        return best;
      }
      if (now >= LEAST) {
        candidates.add(new Candidate(now, best.pair()));
      }
    }
    throw Failure.failed(
        "the text gives %d tokens, and no two of them are next to each other twice; ask for at most %d, not %d, or give more text"
            .formatted(tokens.size(), tokens.size() + marks, vocabulary));
  }

  private void merge(long key) {
    int left = (int) (key >>> 32);
    int right = (int) key;
    byte[] a = tokens.get(left);
    byte[] b = tokens.get(right);
    byte[] joint = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, joint, a.length, b.length);
    int result = token(joint);
    lefts.add(left);
    rights.add(right);
    results.add(result);
    Pair merged = pairs.remove(key);
    if (merged == null) {
      throw new IllegalStateException("a pair that is not there was the most frequent");
    }
    Map<Long, Pair> made = new HashMap<>();
    for (int i = 0; i < merged.words.length(); i++) {
      rewrite(merged.words.get(i), left, right, result, made);
    }
    made.forEach((pair, counted) -> candidates.add(new Candidate(counted.count, pair)));
  }

  /** Merges a pair in a word, and counts the pairs that it had and has. */
  private void rewrite(int w, int left, int right, int result, Map<Long, Pair> made) {
    Word word = words.get(w);
    int[] before = word.tokens;
    int[] after = new int[before.length];
    int n = 0;
    for (int i = 0; i < before.length; i++) {
      boolean both = i + 1 < before.length && before[i] == left && before[i + 1] == right;
      after[n++] = both ? result : before[i];
      i += both ? 1 : 0;
    }
    if (n == before.length) {
      return; // It had the pair twice, and is done.
    }
    for (int i = 0; i + 1 < before.length; i++) {
      if (before[i] != left || before[i + 1] != right) {
        count(key(before[i], before[i + 1]), -word.count);
      }
    }
    word.tokens = Arrays.copyOf(after, n);
    for (int i = 0; i + 1 < n; i++) {
      long key = key(after[i], after[i + 1]);
      Pair pair = count(key, word.count);
      if (after[i] == result || after[i + 1] == result) {
        pair.words.add(w);
        made.put(key, pair);
      }
    }
  }
}
