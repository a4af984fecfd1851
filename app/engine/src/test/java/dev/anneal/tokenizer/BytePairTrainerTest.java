package dev.anneal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BytePairTrainerTest {
  private static final String PROSE =
      "the cat sat on the mat, the other cat that sat there; the hats of the cats. ".repeat(20);

  @Provide
  static Arbitrary<String> text() {
    return Arbitraries.strings().withChars("aab c").ofMinLength(1).ofMaxLength(200);
  }

  private record Neighbours(int left, int right) {}

  /** Counts all pairs of all words anew before each merge: slow, and plainly right. */
  private static List<Neighbours> merges(PreTokenizer preTokenizer, String text, int most) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    List<Integer> order = ByteLevel.bytesInOrder();
    List<List<Integer>> words = new ArrayList<>();
    List<List<Integer>> names = new ArrayList<>();
    order.forEach(b -> names.add(List.of(b)));
    for (int at = 0; at < utf8.length; ) {
      int end = preTokenizer.pieceEnd(utf8, at, utf8.length);
      List<Integer> word = new ArrayList<>();
      for (; at < end; at++) {
        word.add(order.indexOf(utf8[at] & 0xFF));
      }
      words.add(word);
    }
    List<Neighbours> merges = new ArrayList<>();
    while (merges.size() < most) {
      Map<Neighbours, Integer> counts =
          new TreeMap<>(
              Comparator.comparingInt(Neighbours::left).thenComparingInt(Neighbours::right));
      for (List<Integer> word : words) {
        for (int i = 0; i + 1 < word.size(); i++) {
          counts.merge(new Neighbours(word.get(i), word.get(i + 1)), 1, Integer::sum);
        }
      }
      Optional<Map.Entry<Neighbours, Integer>> best = Optional.empty();
      for (Map.Entry<Neighbours, Integer> each : counts.entrySet()) {
        if (each.getValue() >= 2 && (best.isEmpty() || each.getValue() > best.get().getValue())) {
          best = Optional.of(each);
        }
      }
      if (best.isEmpty()) {
        return merges;
      }
      Neighbours pair = best.get().getKey();
      merges.add(pair);
      List<Integer> name = new ArrayList<>(names.get(pair.left()));
      name.addAll(names.get(pair.right()));
      int id = names.contains(name) ? names.indexOf(name) : names.size();
      if (id == names.size()) {
        names.add(name);
      }
      for (List<Integer> word : words) {
        for (int i = 0; i + 1 < word.size(); i++) {
          if (word.get(i) == pair.left() && word.get(i + 1) == pair.right()) {
            word.set(i, id);
            word.remove(i + 1);
          }
        }
      }
    }
    return merges;
  }

  @Property(tries = 200)
  void mergesAreTheMostFrequentPairs(@ForAll("text") String text) {
    List<Neighbours> expected = merges(PreTokenizer.GPT2, text, 12);
    BytePairTrainer trainer = new BytePairTrainer(PreTokenizer.GPT2);
    trainer.add(text);
    long tokens = expected.stream().distinct().count();
    List<Neighbours> found = new ArrayList<>();
    try {
      Merges merges = trainer.train((int) (257 + tokens)).definition().pairs().merges();
      for (int rank = 0; rank < merges.size(); rank++) {
        found.add(new Neighbours(merges.left(rank), merges.right(rank)));
      }
    } catch (Failure e) {
      // Two pairs that make the same token are two merges of one.
      assertTrue(expected.size() < 12, e.getMessage());
      return;
    }
    assertEquals(
        expected.subList(0, Math.min(expected.size(), found.size())),
        found.subList(0, Math.min(expected.size(), found.size())));
  }

  @Test
  void whatIsTrainedIsReadAgainAndGivesTextsBack(@TempDir Path temp) throws IOException {
    for (PreTokenizer each : PreTokenizer.values()) {
      BytePairTrainer trainer = new BytePairTrainer(each);
      trainer.add(PROSE);
      BytePairTokenizer trained = trainer.train(275);
      assertEquals(275, trained.vocabularySize());
      assertTrue(trained.encode(PROSE).length < PROSE.length() / 2);
      Path file = Files.write(temp.resolve("tokenizer.json"), trained.json());
      BytePairTokenizer again = TokenizerFiles.read(file, Optional.empty());
      assertEquals(trained.identity(), again.identity());
      assertArrayEquals(trained.json(), again.json());
      for (String text : List.of(PROSE, "Größe 1234 \ud83d\ude00\n\n", "<|endoftext|>")) {
        assertEquals(text, again.decode(again.encode(text)));
        assertArrayEquals(trained.encode(text), again.encode(text));
      }
      assertTrue(again.endOfText() >= 275 - 5);
    }
  }

  @Test
  void theSameTextGivesTheSameTokenizerHoweverItComes() {
    BytePairTrainer whole = new BytePairTrainer(PreTokenizer.LLAMA3);
    whole.add(PROSE);
    BytePairTrainer parts = new BytePairTrainer(PreTokenizer.LLAMA3);
    int cut = parts.lastCut(PROSE.substring(0, 500));
    parts.add(PROSE.substring(cut));
    parts.add(PROSE.substring(0, cut));
    assertEquals(whole.train(275).identity(), parts.train(275).identity());
  }

  @Test
  void aTextThatGivesTooFewTokensSaysHowManyItGives() {
    BytePairTrainer trainer = new BytePairTrainer(PreTokenizer.LLAMA3);
    trainer.add("ab ab");
    Failure failure = assertThrows(Failure.class, () -> trainer.train(1000));
    assertTrue(
        failure.getMessage().contains("ask for at most 262, not 1000"), failure.getMessage());
  }

  @Test
  void oneLetterWithoutEndIsNoTrouble() {
    BytePairTrainer trainer = new BytePairTrainer(PreTokenizer.LLAMA3);
    trainer.add("a".repeat(2_000_000));
    BytePairTokenizer trained = trainer.train(261 + 10);
    assertEquals("a".repeat(5000), trained.decode(trained.encode("a".repeat(5000))));
  }
}
