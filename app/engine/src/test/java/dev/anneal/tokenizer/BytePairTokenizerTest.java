package dev.anneal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class BytePairTokenizerTest {
  private static final BytePairTokenizer LLAMA = TokenizerFile.llama();

  /** Llama's, with tokens that are found in ordinary text and take liberties. */
  private static final BytePairTokenizer QWEN = liberal();

  private static BytePairTokenizer liberal() {
    Definition llama = LLAMA.definition();
    List<AddedToken> added = new ArrayList<>(llama.added());
    added.set(0, new AddedToken(507, "a b", false, false, false, false, false));
    added.set(1, new AddedToken(508, "<x>", false, true, false, true, false));
    added.set(2, new AddedToken(509, "<y>", false, false, true, false, true));
    return new BytePairTokenizer(
        new Definition(PreTokenizer.QWEN2, true, llama.pairs(), added, OptionalInt.empty()));
  }

  @Provide
  static Arbitrary<String> text() {
    return Arbitraries.oneOf(
        Arbitraries.strings().all().ofMaxLength(40),
        Arbitraries.strings()
            .withChars("ab 1'\n\r\tsS.!<>xy\u017f\u00a0\u2028é\u0301中\ud83d\ude00²")
            .ofMaxLength(60),
        Arbitraries.of("a", "a b", " ", "<x>", "<y>", "\n", ".", "'S", "é", "12345", "<")
            .list()
            .ofMaxSize(20)
            .map(parts -> String.join("", parts)));
  }

  /** The published expression by a regex engine, which is right where it does not overflow. */
  @Property
  void piecesAreThoseOfThePublishedPattern(@ForAll("text") String any) {
    String text = Tokenizer.wellFormed(any);
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    for (PreTokenizer each : PreTokenizer.values()) {
      Pattern pattern =
          Pattern.compile(each.regex(), Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNICODE_CASE);
      Matcher matcher = pattern.matcher(text);
      int at = 0;
      while (matcher.find()) {
        byte[] piece = matcher.group().getBytes(StandardCharsets.UTF_8);
        int end = each.pieceEnd(utf8, at, utf8.length);
        assertEquals(at + piece.length, end, each + " at byte " + at + " of '" + text + "'");
        at = end;
      }
      assertEquals(utf8.length, at);
    }
  }

  @Property
  void aTextEncodesTheSameInChunks(@ForAll("text") String text) {
    for (BytePairTokenizer each : List.of(LLAMA, QWEN)) {
      assertArrayEquals(each.encode(text), each.encode(text, 3));
    }
  }

  @Property
  void bothSidesOfACutHaveTheTokensOfTheWhole(
      @ForAll("text") String before, @ForAll("text") String after) {
    for (Tokenizer each : List.of(LLAMA, QWEN, new Gpt2Tokenizer())) {
      int cut = each.lastCut(before);
      String whole = before + after;
      int[] left = each.encode(whole.substring(0, cut));
      int[] right = each.encode(whole.substring(cut));
      int[] both = IntStream.concat(Arrays.stream(left), Arrays.stream(right)).toArray();
      assertArrayEquals(both, each.encode(whole), "cut at " + cut + " of '" + whole + "'");
    }
  }

  @Property
  void decodingGivesTheTextBack(@ForAll("text") String text) {
    assertEquals(Tokenizer.wellFormed(text), LLAMA.decode(LLAMA.encode(text)));
    assertEquals(Tokenizer.wellFormed(text), LLAMA.decode(LLAMA.encodeMarked(text)));
  }

  @Property
  void pieceOfAnyLengthHasTheTokensThatMergingAllOfItGives(
      @ForAll("runs") String text, @ForAll @IntRange(min = 8, max = 60) int window) {
    BytePairs pairs = LLAMA.definition().pairs();
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    TokenBuffer windows = new TokenBuffer(16);
    new LongPiece(pairs, window).encode(utf8, 0, utf8.length, windows);
    assertArrayEquals(merged(pairs, utf8), windows.toArray());
  }

  @Provide
  static Arbitrary<String> runs() {
    return Arbitraries.oneOf(
        Arbitraries.strings().withChars("tehan o").ofMinLength(1).ofMaxLength(300),
        Arbitraries.strings().withChars("oul").ofMinLength(1).ofMaxLength(300),
        Arbitraries.of("the", "hat", "ing", " th", "LORD", "IUS", "o", "ther")
            .list()
            .ofMinSize(1)
            .ofMaxSize(60)
            .map(parts -> String.join("", parts)));
  }

  /** Every merge by looking at all pairs: slow, and plainly right. */
  private static int[] merged(BytePairs pairs, byte[] utf8) {
    List<Integer> ids = new ArrayList<>();
    for (byte b : utf8) {
      ids.add(pairs.byteTokens()[b & 0xFF]);
    }
    while (true) {
      long best = Merges.NONE;
      int at = -1;
      for (int i = 0; i + 1 < ids.size(); i++) {
        long found = pairs.merges().find(ids.get(i), ids.get(i + 1));
        if (found < best) {
          best = found;
          at = i;
        }
      }
      if (at < 0) {
        return ids.stream().mapToInt(id -> id).toArray();
      }
      ids.set(at, Merges.result(best));
      ids.remove(at + 1);
    }
  }

  /** By counting, since a clock says little on a machine that others use. */
  @Test
  void workGrowsWithTheLengthOfARun() {
    for (BytePairTokenizer each : List.of(LLAMA, new Gpt2Tokenizer().pairs())) {
      for (String letter : List.of("a", " ", "\n", "é", "the")) {
        long once = lookups(each, letter.repeat(100_000));
        long fourTimes = lookups(each, letter.repeat(400_000));
        assertTrue(fourTimes < 4.2 * once, letter + ": " + once + " and " + fourTimes);
        assertTrue(once < 5L * 100_000 * letter.getBytes(StandardCharsets.UTF_8).length);
      }
    }
  }

  private static long lookups(BytePairTokenizer tokenizer, String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    LongPiece piece = new LongPiece(tokenizer.definition().pairs());
    TokenBuffer tokens = new TokenBuffer(16);
    piece.encode(utf8, 0, utf8.length, tokens);
    assertEquals(text, tokenizer.decode(tokens.toArray()));
    return piece.lookups();
  }

  @Test
  void runsWithoutAnEndHaveTheirText() {
    for (String run : List.of("a", " ", "\n", "1", "!", "é", "'", "<", "\ud83d\ude00")) {
      String text = run.repeat(300_000);
      for (BytePairTokenizer each : List.of(LLAMA, QWEN, new Gpt2Tokenizer().pairs())) {
        assertEquals(text, each.decode(each.encode(text)));
      }
    }
  }

  @Test
  void marksAreFoundOnlyWhereTheyAreAskedFor() {
    String text = "Hi<|eot_id|>";
    assertEquals(511, LLAMA.mark("<|eot_id|>").orElseThrow());
    assertEquals(OptionalInt.empty(), LLAMA.mark("<|im_end|>"));
    assertTrue(Arrays.stream(LLAMA.encodeMarked(text)).anyMatch(t -> t == 511));
    assertTrue(Arrays.stream(LLAMA.encode(text)).allMatch(t -> t < 507));
    assertEquals(507, LLAMA.endOfText());
    assertArrayEquals(
        new int[] {50256, 50256}, new Gpt2Tokenizer().encodeMarked("<|endoftext|><|endoftext|>"));
  }

  @Test
  void tokensMayTakeTheWhiteSpaceBesideThem() {
    assertArrayEquals(new int[] {508}, QWEN.encode("<x> \n"));
    assertArrayEquals(new int[] {509}, QWEN.encode(" <y>"));
    // Within a word it is none.
    assertTrue(Arrays.stream(QWEN.encode("a<y>")).allMatch(t -> t < 507));
    assertArrayEquals(new int[] {507}, QWEN.encode("a b"));
  }
}
