package dev.anneal.failure;

import static dev.anneal.failure.Spelling.setting;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class SpellingTest {
  private static final Spelling DASHES = name -> "--" + name;

  private static final Failure FAILURE =
      Failure.usage(
          setting("total-batch") + " is 7; lower " + setting("batch") + ", or " + setting("seq"));

  @Test
  void aProgramReadsPlainNames() {
    assertEquals("total-batch is 7; lower batch, or seq", FAILURE.getMessage());
  }

  @Test
  void aTerminalReadsOptions() {
    assertEquals("--total-batch is 7; lower --batch, or --seq", FAILURE.message(DASHES));
  }

  @Test
  void aFailureThatBecomesAPartOfAnotherIsSpelledOnce() {
    Failure whole = Failure.failed("run.json: " + FAILURE.unspelled() + "-");
    assertEquals("run.json: --total-batch is 7; lower --batch, or --seq-", whole.message(DASHES));
    assertEquals(whole.message(DASHES), DASHES.spell(whole.message(DASHES)));
  }

  @Test
  void whatIsNotMarkedStays() {
    assertEquals("batch --batch $1 \\", DASHES.spell("batch --batch $1 \\"));
  }
}
