package dev.anneal.tokenizer;

import java.util.Arrays;

/**
 * Encodes a piece of any length, such as fifty million times the same letter, in time that grows
 * with its length and memory that does not.
 *
 * <p>A window is encoded by itself, by a heap of pairs, and its last eighth is given up; the next
 * begins there. Both together have the tokens of the whole if and only if the two tokens at the cut
 * stay two when they are encoded together: whatever merges over the cut in the whole would be the
 * first to do so there, too. Where they do not, the cut moves to the left, and the window grows.
 */
final class LongPiece {
  private static final int WINDOW = 1 << 14;
  private static final int TRIES = 8;

  private final BytePairs pairs;
  private final Vocabulary vocabulary;
  private final Merges merges;
  private final int smallest;

  private int[] ids = new int[0];
  private int[] next = new int[0];
  private int[] previous = new int[0];
  private long[] found = new long[0];
  private long[] heap = new long[0];
  private int heapSize;
  private long lookups;

  private final byte[] joint;
  private final TokenBuffer jointTokens = new TokenBuffer(16);

  LongPiece(BytePairs pairs) {
    this(pairs, Math.max(WINDOW, 16 * pairs.vocabulary().longest()));
  }

  LongPiece(BytePairs pairs, int window) {
    this.pairs = pairs;
    this.vocabulary = pairs.vocabulary();
    this.merges = pairs.merges();
    this.smallest = window;
    this.joint = new byte[2 * vocabulary.longest()];
  }

  /** How often a pair was looked up so far. */
  long lookups() {
    return lookups;
  }

  void encode(byte[] text, int from, int to, TokenBuffer tokens) {
    int base = tokens.length();
    int window = smallest;
    int at = from;
    int tries = 0;
    while (at < to) {
      int end = (int) Math.min(to, (long) at + window);
      int begin = tokens.length();
      window(text, at, end, tokens);
      if (begin > base && !stayTwo(tokens.get(begin - 1), tokens.get(begin))) {
        at -= vocabulary.length(tokens.get(begin - 1));
        tokens.cut(begin - 1);
        tries++;
        if (tries % TRIES == 0) {
          window = (int) Math.min(2L * window, 1 << 30);
        }
        continue;
      }
      at = end;
      if (end < to) {
        int given = end - window / 8;
        while (at > given && tokens.length() > begin + 1) {
          at -= vocabulary.length(tokens.get(tokens.length() - 1));
          tokens.cut(tokens.length() - 1);
        }
      }
      window = smallest;
      tries = 0;
    }
    if (ids.length > smallest) {
      allocate(0);
    }
  }

  private boolean stayTwo(int left, int right) {
    int length = vocabulary.copy(right, joint, vocabulary.copy(left, joint, 0));
    jointTokens.cut(0);
    window(joint, 0, length, jointTokens);
    return jointTokens.length() == 2 && jointTokens.get(0) == left && jointTokens.get(1) == right;
  }

  private void allocate(int n) {
    ids = new int[n];
    next = new int[n];
    previous = new int[n];
    found = new long[n];
    heap = new long[n];
  }

  /** Merges all of a window: the lowest rank first, the leftmost of equals. */
  private void window(byte[] text, int from, int to, TokenBuffer tokens) {
    int n = to - from;
    if (ids.length < n) {
      allocate(n);
    }
    for (int i = 0; i < n; i++) {
      ids[i] = pairs.byteTokens()[text[from + i] & 0xFF];
      next[i] = i + 1;
      previous[i] = i - 1;
    }
    heapSize = 0;
    for (int i = 0; i + 1 < n; i++) {
      look(i, i + 1);
    }
    found[n - 1] = Merges.NONE;
    while (heapSize > 0) {
      long top = pop();
      int i = (int) top;
      // What was there when it was pushed may have been merged since.
      if (found[i] == Merges.NONE || found[i] >>> 32 != top >>> 32) {
        continue;
      }
      int right = next[i];
      ids[i] = Merges.result(found[i]);
      found[right] = Merges.NONE;
      next[i] = next[right];
      if (next[i] < n) {
        previous[next[i]] = i;
        look(i, next[i]);
      } else {
        found[i] = Merges.NONE;
      }
      if (previous[i] >= 0) {
        look(previous[i], i);
      }
    }
    for (int i = 0; i < n; i = next[i]) {
      tokens.add(ids[i]);
    }
  }

  private void look(int left, int right) {
    lookups++;
    found[left] = merges.find(ids[left], ids[right]);
    if (found[left] != Merges.NONE) {
      push(found[left] & ~0xFFFFFFFFL | left);
    }
  }

  private void push(long entry) {
    if (heapSize == heap.length) {
      heap = Arrays.copyOf(heap, heap.length + (heap.length >> 1) + 16);
    }
    int at = heapSize++;
    while (at > 0) {
      int parent = at - 1 >>> 1;
      if (heap[parent] <= entry) {
        break;
      }
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = entry;
  }

  private long pop() {
    long top = heap[0];
    long last = heap[--heapSize];
    int at = 0;
    for (int child = 1; child < heapSize; child = 2 * at + 1) {
      if (child + 1 < heapSize && heap[child + 1] < heap[child]) {
        child++;
      }
      if (heap[child] >= last) {
        break;
      }
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return top;
  }
}
