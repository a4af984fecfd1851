package dev.anneal.run.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.plan.Precision;
import dev.anneal.run.log.Event.State;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a run's events add up to. */
class HistoryTest {
  @TempDir private Path temp;
  private final History history = new History();

  static Event.Started started(int step) {
    return new Event.Started(
        "run-1",
        "tiny",
        1000,
        "text",
        "cpu",
        "CPU",
        Precision.FP32,
        step,
        20,
        64,
        1e3,
        Map.of("parameters", 4000L),
        Map.of("matmul_forward", 2),
        true,
        Optional.of(Path.of("runs/run-1")));
  }

  static Event.Step step(int step, double loss) {
    return new Event.Step(step, loss, 1e-3, 1, 500, 128, "cpu", Map.of("MatmulForward", 2.0));
  }

  private void steps(int from, int to) {
    for (int i = from; i <= to; i++) {
      history.on(step(i, 10 - i));
    }
  }

  private int[] lossSteps() {
    Series loss = history.snapshot().series(Metric.LOSS);
    return java.util.Arrays.copyOf(loss.steps(), loss.size());
  }

  @Test
  void rewindingForgetsWhatHasNotHappened() {
    history.on(started(0));
    history.on(new Event.Evaluation(0, 11, 1));
    steps(1, 8);
    history.on(new Event.Evaluation(8, 2.5, 1));
    History.Snapshot before = history.snapshot();
    history.on(new Event.Rewound(3, 8));
    History.Snapshot now = history.snapshot();
    assertEquals(3, now.step());
    assertEquals(7, now.series(Metric.LOSS).last());
    assertEquals(1.5, now.series(Metric.LOSS).seconds()[2]);
    assertEquals(1, now.series(Metric.VAL_LOSS).size());
    steps(4, 5);
    assertEquals(
        2.5, history.snapshot().series(Metric.LOSS).seconds()[4], "time goes on from there");
    assertEquals(8, before.series(Metric.LOSS).size(), "what was seen stays as it was seen");
    assertEquals(2, before.series(Metric.LOSS).last());
  }

  @Test
  void aStepThatIsMadeAgainTakesThePlaceOfTheFirst() {
    steps(1, 5);
    history.on(step(3, 42));
    assertEquals(3, lossSteps().length);
    assertEquals(42, history.snapshot().series(Metric.LOSS).last());
  }

  @Test
  void aRunThatGoesOnStartsWhereItsCheckpointIs() {
    history.on(started(0));
    steps(1, 9);
    history.on(started(6));
    steps(7, 8);
    assertEquals(List.of(1, 2, 3, 4, 5, 6, 7, 8), IntStream.of(lossSteps()).boxed().toList());
  }

  @Test
  void countsWhatIsNotFiniteAndSaysWhereTheRunIs() {
    history.on(started(0));
    steps(1, 4);
    history.on(step(5, Double.NaN));
    history.on(
        new Event.Ended(
            Event.Outcome.NOT_FINITE,
            4,
            Optional.of(6.0),
            Optional.empty(),
            1,
            Optional.of("NaN")));
    History.Snapshot now = history.snapshot();
    assertEquals(1, now.nonFinite());
    assertEquals(Optional.of(State.FAILED), now.state());
    assertTrue(now.ended().isPresent());
    history.on(new Event.Rewound(4, 4));
    assertEquals(4, history.snapshot().step());
    assertEquals(Optional.empty(), history.snapshot().ended());
  }

  @Test
  void samplesGrowPieceByPiece() {
    history.on(new Event.SampleText("lost"));
    history.on(new Event.SampleStarted(3, "Once"));
    history.on(new Event.SampleText(" upon"));
    history.on(new Event.SampleText(" a"));
    assertEquals(
        List.of(new History.Sample(3, "Once", " upon a", false)), history.snapshot().samples());
    history.on(new Event.SampleEnded(3, 2, 1, " upon a time"));
    assertEquals(
        List.of(new History.Sample(3, "Once", " upon a time", true)), history.snapshot().samples());
  }

  @Test
  void keepsTheLastOfWhatCouldGrowForEver() {
    for (int i = 0; i < 2000; i++) {
      history.on(new Event.Warning("warning " + i));
      history.on(new Event.SampleStarted(i, ""));
    }
    History.Snapshot now = history.snapshot();
    assertEquals(500, now.notes().size());
    assertEquals(12, now.samples().size());
    assertEquals(1999, now.samples().getLast().step());
  }

  @Test
  void everyEventChangesTheRevision() {
    long before = history.revision();
    history.on(new Event.SampleText("x"));
    assertEquals(before + 1, history.revision());
  }

  @Test
  void readsALogAndPassesOverWhatIsNoEvent() throws IOException {
    Files.writeString(
        temp.resolve("log.jsonl"),
        EventJson.write(started(0))
            + "\n"
            + "no json\n\n"
            + "[1]\n"
            + "{\"event\":\"of a later version\"}\n"
            + "{\"event\":\"state\",\"state\":\"odd\"}\n"
            + EventJson.write(step(1, 9))
            + "\n{\"event\":\"saved\",\"checkpoint\":\"a\\u0000b\"}\n"
            + EventJson.write(step(2, Double.NaN))
            + "\n{\"event\":\"step\",\"st");
    History.Snapshot read = History.read(temp).snapshot();
    assertEquals(2, read.step());
    assertEquals(1, read.nonFinite());
    assertEquals(Series.EMPTY, History.read(temp.resolve("none")).snapshot().series(Metric.LOSS));
  }
}
