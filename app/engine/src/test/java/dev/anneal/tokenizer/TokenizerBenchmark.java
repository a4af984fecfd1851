package dev.anneal.tokenizer;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import dev.anneal.data.JdkSources;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How fast GPT-2's tokens are made, as a share of jtokkit's speed on the same cores in the same
 * run; and a letter without end. Run its main method; a machine that others use says little
 * otherwise.
 */
final class TokenizerBenchmark {
  private static final int PART = 1 << 18;
  private static final int ROUNDS = 5;

  private TokenizerBenchmark() {}

  public static void main(String[] args) {
    String text = String.join("\n", JdkSources.ofThisJdk(24_000_000).documents());
    Encoding jtokkit = Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.R50K_BASE);
    Gpt2Tokenizer ours = new Gpt2Tokenizer();
    List<String> parts = parts(text);
    for (int round = 0; round < ROUNDS; round++) {
      long begin = System.nanoTime();
      int[] theirs =
          parts.parallelStream()
              .map(part -> jtokkit.encodeOrdinary(part).toArray())
              .toList()
              .stream()
              .flatMapToInt(Arrays::stream)
              .toArray();
      long middle = System.nanoTime();
      int[] tokens = ours.encode(text);
      long end = System.nanoTime();
      System.out.printf(
          "%.1f MB: jtokkit %.2f s, ours %.2f s, %.2f times as fast, the same tokens: %b%n",
          text.length() / 1e6,
          (middle - begin) / 1e9,
          (end - middle) / 1e9,
          (double) (middle - begin) / (end - middle),
          Arrays.equals(theirs, tokens));
    }
    for (String letter : List.of("a", " ", "\n")) {
      for (int n : new int[] {12_500_000, 50_000_000}) {
        String run = letter.repeat(n);
        long begin = System.nanoTime();
        int tokens = ours.encode(run).length;
        System.out.printf(
            "%d times U+%04X: %d tokens, %.2f s%n",
            n, (int) letter.charAt(0), tokens, (System.nanoTime() - begin) / 1e9);
      }
    }
  }

  /** Cut where both parts have the tokens of the whole. */
  private static List<String> parts(String text) {
    List<String> parts = new ArrayList<>();
    int start = 0;
    for (int i = PART; i < text.length(); i++) {
      if (text.charAt(i) == ' ' && !Character.isWhitespace(text.charAt(i - 1))) {
        parts.add(text.substring(start, i));
        start = i;
        i += PART;
      }
    }
    parts.add(text.substring(start));
    return parts;
  }
}
