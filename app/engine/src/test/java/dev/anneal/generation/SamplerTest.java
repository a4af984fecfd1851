package dev.anneal.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.random.Philox;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

/**
 * Top-k and top-p against a reference that follows their definitions and nothing else: sort, take
 * the first k, normalise, take the shortest head whose probabilities reach p, normalise, invert.
 */
class SamplerTest {
  /** Nearer to a border than this, rounding may decide. */
  private static final double BORDER = 1e-9;

  /** One token that may be drawn. */
  private record Choice(int token, double probability) {}

  /** Logits of 1 to 40 tokens, with ties, since few of them have much to choose from. */
  @Provide
  Arbitrary<float[]> logits() {
    Arbitrary<Float> any = Arbitraries.floats().between(-30, 30);
    Arbitrary<Float> tied = Arbitraries.of(-2f, -0f, 0f, 0.5f, 3f, Float.NEGATIVE_INFINITY);
    return Arbitraries.oneOf(
            any.list().ofMinSize(1).ofMaxSize(40),
            tied.list().ofMinSize(1).ofMaxSize(40),
            Arbitraries.oneOf(any, tied).list().ofMinSize(1).ofMaxSize(40))
        .filter(list -> list.stream().anyMatch(x -> x > Float.NEGATIVE_INFINITY))
        .map(
            list -> {
              float[] array = new float[list.size()];
              for (int i = 0; i < array.length; i++) {
                array[i] = list.get(i);
              }
              return array;
            });
  }

  @Provide
  Arbitrary<Double> masses() {
    return Arbitraries.oneOf(
        Arbitraries.of(1.0, 1e-300, 1e-12, 0.5, 0.9, Math.nextDown(1.0)),
        Arbitraries.doubles().between(0.01, 1));
  }

  @Provide
  Arbitrary<Double> temperatures() {
    return Arbitraries.of(0.1, 0.8, 1.0, 2.5);
  }

  private static List<Choice> normalised(List<Choice> choices) {
    double sum = choices.stream().mapToDouble(Choice::probability).sum();
    return choices.stream().map(c -> new Choice(c.token(), c.probability() / sum)).toList();
  }

  /** The distribution by its definition; empty where rounding decides what p lets in. */
  private static Optional<List<Choice>> reference(float[] logits, SamplingSettings settings) {
    double top = IntStream.range(0, logits.length).mapToDouble(i -> logits[i]).max().orElseThrow();
    List<Choice> choices = new ArrayList<>();
    for (int i = 0; i < logits.length; i++) {
      choices.add(new Choice(i, Math.exp((logits[i] - top) / settings.temperature())));
    }
    boolean cut = settings.topK() > 0 || settings.topP() < 1;
    if (cut) {
      // Stable, so that of equal logits the lower id comes first; not by probability, which
      // underflows.
      choices.sort(Comparator.comparingDouble(c -> 0.0 - logits[c.token()]));
    }
    if (settings.topK() > 0 && settings.topK() < choices.size()) {
      choices = choices.subList(0, settings.topK());
    }
    choices = normalised(choices);
    if (settings.topP() < 1) {
      int kept = 0;
      double mass = 0;
      do {
        mass += choices.get(kept++).probability();
        if (Math.abs(mass - settings.topP()) < BORDER) {
          return Optional.empty();
        }
      } while (mass < settings.topP() && kept < choices.size());
      choices = normalised(choices.subList(0, kept));
    }
    return Optional.of(choices);
  }

  private static double uniform(SamplingSettings settings, int index) {
    return Philox.uniform(Philox.bits(settings.seed(), Philox.Purpose.SAMPLING, 0, index, 0));
  }

  @Property
  void drawsWhatTheDefinitionDraws(
      @ForAll("logits") float[] logits,
      @ForAll @IntRange(max = 50) int k,
      @ForAll("masses") double p,
      @ForAll("temperatures") double temperature,
      @ForAll long seed) {
    SamplingSettings settings = new SamplingSettings(temperature, k, p, seed);
    Optional<List<Choice>> distribution = reference(logits, settings);
    if (distribution.isEmpty()) {
      return;
    }
    Sampler sampler = new Sampler(settings, logits.length);
    for (int index = 0; index < 50; index++) {
      double u = uniform(settings, index);
      double mass = 0;
      Set<Integer> right = new TreeSet<>();
      for (Choice choice : distribution.get()) {
        boolean mayBegin = mass - BORDER <= u;
        mass += choice.probability();
        if (mayBegin && u <= mass + BORDER) {
          right.add(choice.token());
        }
      }
      int drawn = sampler.draw(logits, index);
      assertTrue(right.contains(drawn), "token " + index + " is " + drawn + ", not of " + right);
    }
  }

  @Property
  void neverDrawsBeyondTheKLikeliest(
      @ForAll("logits") float[] logits, @ForAll @IntRange(min = 1, max = 50) int k) {
    Sampler sampler = new Sampler(new SamplingSettings(5, k, 1, 3), logits.length);
    for (int index = 0; index < 50; index++) {
      int drawn = sampler.draw(logits, index);
      long before =
          IntStream.range(0, logits.length)
              .filter(i -> logits[i] > logits[drawn] || logits[i] == logits[drawn] && i < drawn)
              .count();
      assertTrue(before < k, drawn + " has " + before + " before it");
    }
  }

  @Property
  void kBeyondTheVocabularyCutsNothing(@ForAll("logits") float[] logits, @ForAll long seed) {
    Sampler all = new Sampler(new SamplingSettings(1, logits.length, 1, seed), logits.length);
    Sampler more = new Sampler(new SamplingSettings(1, Integer.MAX_VALUE, 1, seed), logits.length);
    for (int index = 0; index < 20; index++) {
      assertEquals(all.draw(logits, index), more.draw(logits, index));
    }
  }

  @Property
  void theSmallestCutsAreTheLikeliest(@ForAll("logits") float[] logits, @ForAll long seed) {
    Sampler cold = new Sampler(new SamplingSettings(0, 0, 1, seed), logits.length);
    Sampler one = new Sampler(new SamplingSettings(1, 1, 1, seed), logits.length);
    Sampler tiny = new Sampler(new SamplingSettings(1, 0, 1e-300, seed), logits.length);
    for (int index = 0; index < 5; index++) {
      assertEquals(cold.draw(logits, index), one.draw(logits, index));
      assertEquals(cold.draw(logits, index), tiny.draw(logits, index));
    }
  }

  /** Of ten equal tokens, p = 1/2 lets in the first five, and p a little more the sixth. */
  @Example
  void ofEqualTokensTheLowerIdsComeFirst() {
    assertEquals(Set.of(0, 1, 2, 3, 4), drawn(new float[10], 0, 0.5));
    assertEquals(Set.of(0, 1, 2, 3, 4, 5), drawn(new float[10], 0, 0.51));
    assertEquals(Set.of(0, 1, 2), drawn(new float[10], 3, 1));
  }

  /** p is of what k leaves: of three equal tokens 0.6 takes two, which are 0.2 of all ten. */
  @Example
  void pIsOfWhatKLeaves() {
    assertEquals(Set.of(0, 1), drawn(new float[10], 3, 0.6));
  }

  private static Set<Integer> drawn(float[] logits, int k, double p) {
    Sampler sampler = new Sampler(new SamplingSettings(1, k, p, 11), logits.length);
    Set<Integer> drawn = new TreeSet<>();
    for (int index = 0; index < 400; index++) {
      drawn.add(sampler.draw(logits, index));
    }
    return drawn;
  }

  /** Frequencies of 1/2, 1/3 and 1/6 within four standard deviations of 6000 draws. */
  @Example
  void drawsAsOftenAsIsLikely() {
    float[] logits = {
      (float) Math.log(1 / 6.0), (float) Math.log(1 / 2.0), (float) Math.log(1 / 3.0)
    };
    Sampler sampler = new Sampler(new SamplingSettings(1, 0, 1, 4), 3);
    int[] counts = new int[3];
    for (int index = 0; index < 6000; index++) {
      counts[sampler.draw(logits, index)]++;
    }
    assertEquals(1000, counts[0], 4 * Math.sqrt(6000 * 1 / 6.0 * 5 / 6.0));
    assertEquals(3000, counts[1], 4 * Math.sqrt(6000 / 4.0));
    assertEquals(2000, counts[2], 4 * Math.sqrt(6000 * 2 / 9.0));
  }
}
