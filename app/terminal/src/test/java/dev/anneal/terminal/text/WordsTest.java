package dev.anneal.terminal.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.failure.Failure;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.NotEmpty;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lines as words. */
class WordsTest {

  @Test
  void blanksSeparateWordsAndSemicolonsCommands() {
    assertEquals(
        List.of(List.of("train", "--bg"), List.of("wait", "step>=3"), List.of("stop")),
        Words.commands(" train\t--bg ; wait step>=3;;\r\n;stop"));
    assertEquals(List.of(), Words.commands(" ; \n ;"));
  }

  @Test
  void quotesKeepWhatTheyHold() {
    assertEquals(
        List.of(List.of("sample", "it's; # \\n here", "a\tb\"\\", "", "xyz")),
        Words.commands("sample \"it's; # \\\\n here\" \"a\\tb\\\"\\\\\" '' x'y'\"z\""));
    assertEquals(List.of(List.of("a\nb")), Words.commands("'a\nb'"));
    assertEquals(List.of(List.of("a b", "c;d")), Words.commands("a\\ b c\\;d"));
    assertEquals(List.of(List.of("step", "3")), Words.commands("step \\\n3"));
  }

  @Test
  void commentsAreLeftOut() {
    assertEquals(
        List.of(List.of("step"), List.of("a#b")), Words.commands("step # 3; stop\n a#b #c\n#d"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"sample 'abc", "sample \"abc\\\"", "step \\", "'\n\n"})
  void openQuotesAreUnfinished(String line) {
    assertThrows(Words.Unfinished.class, () -> Words.commands(line));
    Failure failure = assertThrows(Failure.class, () -> Words.complete(line));
    assertEquals(2, failure.exitCode().code());
    assertTrue(failure.getMessage().endsWith("in: " + line), failure.getMessage());
  }

  @Test
  void theTailIsWhatIsBeingTyped() {
    assertEquals(new Words.Tail(List.of(""), 0), Words.tail(""));
    assertEquals(new Words.Tail(List.of("st"), 6), Words.tail("pause;st"));
    assertEquals(new Words.Tail(List.of("load", ""), 5), Words.tail("load "));
    assertEquals(new Words.Tail(List.of("load", "my r"), 5), Words.tail("load 'my r"));
    assertEquals(new Words.Tail(List.of("load", "my r"), 5), Words.tail("load my\\ r"));
    assertEquals(new Words.Tail(List.of("set", "lr", "1"), 7), Words.tail("set lr 1"));
  }

  @Property(tries = 500)
  void aQuotedWordIsThatWord(@ForAll @Size(min = 1, max = 4) List<String> words) {
    String line = String.join(" ", words.stream().map(Words::quote).toList());
    assertEquals(List.of(words), Words.commands(line));
  }

  @Property(tries = 500)
  void theTailOfALineStartsInIt(@ForAll @NotEmpty String line) {
    Words.Tail tail = Words.tail(line);
    assertTrue(tail.start() >= 0 && tail.start() <= line.length());
    assertEquals(
        tail.words().getLast(), Words.tail(line.substring(tail.start())).words().getLast());
  }
}
