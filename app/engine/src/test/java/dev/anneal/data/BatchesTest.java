package dev.anneal.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.failure.Failure;
import java.util.Arrays;
import java.util.BitSet;
import java.util.stream.LongStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class BatchesTest {
  private static final long[] FIRST = {33, 82, 20, 46, 83, 50, 37, 81};

  /** Token i is i. */
  record Counting(long length) implements TokenSource {
    @Override
    public String description() {
      return "a count";
    }

    @Override
    public void read(long from, int[] into, int offset, int count) {
      Arrays.setAll(into, i -> i < offset ? into[i] : (int) (from + i - offset));
    }

    @Override
    public int vocabulary() {
      return (int) length;
    }

    @Override
    public String place(long position) {
      return "token " + position + " of a count";
    }

    @Override
    public String fingerprint() {
      return "count";
    }
  }

  @Property(tries = 200)
  void aShuffleIsAPermutation(
      @ForAll @IntRange(min = 1, max = 3000) int n,
      @ForAll long seed,
      @ForAll @IntRange(max = 1000) int epoch) {
    BitSet seen = new BitSet();
    for (int i = 0; i < n; i++) {
      seen.set((int) Permutation.of(seed, epoch, n, i));
    }
    assertEquals(n, seen.cardinality());
    assertEquals(n, seen.length());
  }

  @Test
  void shufflesDifferByEpochAndSeedAndAreFixed() {
    long[] first = shuffle(1, 0);
    assertArrayEquals(first, shuffle(1, 0));
    assertFalse(Arrays.equals(first, shuffle(1, 1)));
    assertFalse(Arrays.equals(first, shuffle(2, 0)));
    // Another order would silently change what a run resumes with.
    assertArrayEquals(FIRST, Arrays.copyOf(first, 8));
  }

  private static long[] shuffle(long seed, int epoch) {
    return LongStream.range(0, 100).map(i -> Permutation.of(seed, epoch, 100, i)).toArray();
  }

  @Test
  void aShuffleSpreadsPlacesEvenly() {
    int n = 10;
    int epochs = 4000;
    int[][] counts = new int[n][n];
    for (int epoch = 0; epoch < epochs; epoch++) {
      for (int i = 0; i < n; i++) {
        counts[i][(int) Permutation.of(42, epoch, n, i)]++;
      }
    }
    // 400 expected in each cell, with a standard deviation of 19.
    for (int[] row : counts) {
      for (int count : row) {
        assertTrue(count > 290 && count < 510, Arrays.deepToString(counts));
      }
    }
  }

  @Test
  void shufflesOfMoreThanAnIntHolds() {
    long n = 10_000_000_000L;
    assertEquals(
        1000, LongStream.range(0, 1000).map(i -> Permutation.of(7, 3, n, i)).distinct().count());
    assertTrue(LongStream.range(0, 1000).allMatch(i -> Permutation.of(7, 3, n, i) < n));
  }

  @Test
  void anEpochHasEveryWindowOnce() {
    Batches batches = Batches.shuffled(new Counting(103), 103, 2, 4, 9);
    assertEquals(25, batches.windows());
    assertEquals(12, batches.perEpoch());
    int[] tokens = new int[8];
    int[] targets = new int[8];
    BitSet[] seen = {new BitSet(), new BitSet()};
    for (int index = 0; index < 25; index++) {
      batches.fill(index, tokens, targets);
      for (int b = 0; b < 2; b++) {
        seen[(index * 2 + b) / 25].set(tokens[b * 4]);
        for (int t = 0; t < 4; t++) {
          assertEquals(tokens[b * 4] + t, tokens[b * 4 + t]);
          assertEquals(tokens[b * 4 + t] + 1, targets[b * 4 + t]);
        }
      }
    }
    assertEquals(25, seen[0].cardinality());
    assertEquals(25, seen[1].cardinality());
  }

  /** The order of samples does not depend on how they are batched. */
  @Test
  void samplesAreTheSameInBatchesOfAnySize() {
    assertArrayEquals(samples(1), samples(3));
    assertArrayEquals(samples(1), samples(4));
  }

  private static int[] samples(int batch) {
    Batches batches = Batches.shuffled(new Counting(1000), 1000, batch, 8, 5);
    int[] tokens = new int[batch * 8];
    int[] all = new int[24 * 8];
    for (int i = 0; i < 24 / batch; i++) {
      batches.fill(i, tokens, new int[batch * 8]);
      System.arraycopy(tokens, 0, all, i * tokens.length, tokens.length);
    }
    return all;
  }

  @Test
  void validationReadsWindowsInOrder() {
    Batches batches = Batches.sequential(new Counting(13), 13, 2, 4);
    int[] tokens = new int[8];
    batches.fill(0, tokens, new int[8]);
    assertArrayEquals(new int[] {0, 1, 2, 3, 4, 5, 6, 7}, tokens);
    batches.fill(1, tokens, new int[8]);
    assertArrayEquals(new int[] {8, 9, 10, 11, 0, 1, 2, 3}, tokens);
    assertEquals(1, batches.perEpoch());
    assertEquals(1, Batches.sequential(new Counting(5), 5, 2, 4).perEpoch());
  }

  @Test
  void tooFewTokensForABatch() {
    assertEquals(2, Batches.shuffled(new Counting(9), 9, 2, 4, 1).windows());
    Failure e = assertThrows(Failure.class, () -> Batches.shuffled(new Counting(8), 9, 2, 4, 1));
    assertTrue(e.getMessage().contains("a count has 8 tokens"), e.getMessage());
    assertTrue(e.getMessage().contains("at least 9"), e.getMessage());
    assertThrows(Failure.class, () -> Batches.sequential(new Counting(4), 9, 2, 4));
    assertThrows(Failure.class, () -> Batches.sequential(new Counting(0), 9, 2, 4));
  }

  @Test
  void aTokenOutsideTheVocabularyIsNamedWithItsPlace() {
    Batches batches = Batches.sequential(new Counting(100), 50, 1, 60);
    Failure e = assertThrows(Failure.class, () -> batches.fill(0, new int[60], new int[60]));
    assertTrue(e.getMessage().startsWith("token 50 of a count is 50, outside"), e.getMessage());
  }
}
