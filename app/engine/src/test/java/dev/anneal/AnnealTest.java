package dev.anneal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.eval.Comparison;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.model.Gpt2;
import dev.anneal.run.Inspection;
import dev.anneal.run.log.History;
import dev.anneal.training.Schedule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a program in Java asks of a run, and what it gets. */
class AnnealTest {
  @TempDir private Path temp;
  private Training tiny = Training.ofJdkSources();

  @BeforeEach
  void tiny() throws IOException {
    tiny =
        Training.of(text("book.txt", "the cat sat on the mat. ").toString())
            .withModel(new Gpt2.Config(1, 2, 16, 16, 256))
            .withBatch(2, 16)
            .withSteps(6);
  }

  private Path text(String name, String line) throws IOException {
    return Files.writeString(temp.resolve(name), line.repeat(100));
  }

  private Anneal begin() {
    return Anneal.begin(tiny, "cpu");
  }

  @Test
  void stepsAreThoseOfTraining() {
    List<Double> trained = new ArrayList<>();
    try (Anneal run = begin()) {
      run.train(step -> trained.add(step.loss()));
      assertEquals(6, run.updates());
    }
    List<Double> stepped = new ArrayList<>();
    try (Anneal run = begin()) {
      for (int i = 0; i < 6; i++) {
        stepped.add(run.step().loss());
      }
    }
    assertEquals(trained, stepped);
    assertEquals(6, trained.stream().distinct().count());
  }

  @Test
  void aRunThatHasMadeAllItsStepsSaysHowToMakeMore() {
    try (Anneal run = begin()) {
      run.train();
      String why = assertThrows(Failure.class, run::step).getMessage();
      assertTrue(why.contains("made all its 6 steps"), why);
      run.set("steps", 7);
      assertEquals(7, run.step().step());
    }
  }

  @Test
  void aListenerCanStopARunAndTrainItAgain() {
    try (Anneal run = begin()) {
      run.train(
          step -> {
            if (step.step() == 2) {
              run.stop();
            }
          });
      assertEquals(2, run.updates());
      run.train();
      assertEquals(6, run.updates());
    }
  }

  @Test
  void whatAListenerThrowsEndsTheTraining() {
    IllegalStateException own = new IllegalStateException("enough");
    try (Anneal run = begin()) {
      assertSame(
          own,
          assertThrows(
              IllegalStateException.class,
              () ->
                  run.train(
                      step -> {
                        throw own;
                      })));
      assertEquals(1, run.updates());
    }
  }

  @Test
  void aRunThatIsNotFiniteFailsAsSuch() {
    Training wild = tiny.withSchedule(Schedule.own("wild", (step, steps) -> 1, 1e30, 6));
    try (Anneal run = Anneal.begin(wild, "cpu")) {
      Failure failure = assertThrows(Failure.class, run::train);
      assertEquals(ExitCode.NUMBERS, failure.exitCode());
      assertTrue(failure.getMessage().contains("try a lower lr"), failure.getMessage());
      assertEquals(ExitCode.NUMBERS, assertThrows(Failure.class, run::step).exitCode());
    }
  }

  @Test
  void aSampleComesInPiecesAndEndsWhenItsStreamIsClosed() {
    try (Anneal run = begin()) {
      run.train();
      String whole = run.sample("the ", 20).collect(Collectors.joining());
      assertFalse(whole.isEmpty());
      assertEquals(whole, run.sample("the ", 20).collect(Collectors.joining()));
      try (Stream<String> endless = run.sample("the ", 1_000_000)) {
        assertEquals(3, endless.limit(3).count());
      }
      assertTrue(run.evaluate() > 0);
    }
  }

  @Test
  void aSavedRunGoesOnBitForBit() {
    Path saved = temp.resolve("run");
    double whole;
    try (Anneal run = begin()) {
      run.train();
      whole = run.evaluate();
    }
    try (Anneal run = begin()) {
      run.step();
      run.step();
      assertEquals(saved.resolve("step_2"), run.save(saved));
      run.step();
      assertTrue(Files.exists(run.save(saved)));
      String other = assertThrows(Failure.class, () -> run.save(temp)).getMessage();
      assertTrue(other.contains("is kept in"), other);
    }
    try (Anneal run = Anneal.load(saved, "cpu")) {
      assertEquals(3, run.updates());
      run.train();
      assertEquals(whole, run.evaluate());
    }
    History log = History.read(saved);
    assertEquals(6, log.snapshot().summary().step());
  }

  @Test
  void aNewRunBeginsWithTheWeightsOfAnother() throws IOException {
    Path saved = temp.resolve("run");
    double trained;
    try (Anneal run = begin()) {
      run.train();
      trained = run.evaluate();
      run.save(saved);
    }
    Training other =
        Training.of(saved).withData(text("other.txt", "a dog ran. ").toString()).withSteps(2);
    try (Anneal run = Anneal.beginWith(saved, other, "cpu")) {
      assertEquals(0, run.updates());
      double before = run.evaluate();
      assertTrue(before > trained, before + " on other data, " + trained + " on its own");
      run.train();
      assertTrue(run.evaluate() < before);
    }
  }

  @Test
  void aScheduleOfOnesOwnGivesTheRates() {
    Schedule saw = Schedule.own("saw", (step, steps) -> step % 2 == 0 ? 1 : 0.5, 1e-3, 4);
    List<Double> rates = new ArrayList<>();
    Path saved = temp.resolve("run");
    try (Anneal run = Anneal.begin(tiny.withSchedule(saw), "cpu")) {
      run.train(step -> rates.add(step.learningRate()));
      run.save(saved);
      run.set("steps", 8);
      assertEquals(0.5e-3, run.step().learningRate());
      run.save(saved);
    }
    assertEquals(List.of(0.5e-3, 1e-3, 0.5e-3, 1e-3), rates);
    try (Anneal run = Anneal.load(saved, "cpu")) {
      String why = assertThrows(Failure.class, run::step).getMessage();
      assertTrue(why.contains("made by Java code, its schedule saw"), why);
      assertFalse(run.sample("", 2).toList().isEmpty());
    }
    try (Anneal run = Anneal.load(saved, "cpu", saw.shape())) {
      assertEquals(1e-3, run.step().learningRate());
    }
  }

  @Test
  void aCurveThatGivesNoRateIsNamed() {
    Schedule broken = Schedule.own("broken", (step, steps) -> Double.NaN, 1e-3, 4);
    try (Anneal run = Anneal.begin(tiny.withSchedule(broken), "cpu")) {
      String why = assertThrows(Failure.class, run::step).getMessage();
      assertTrue(why.startsWith("the schedule broken gives NaN of the peak at step 1"), why);
    }
  }

  @Test
  void tensorsAreLookedAtByName() {
    try (Anneal run = begin()) {
      Inspection norm = run.inspect("ln_f.weight");
      assertEquals(1, norm.mean());
      assertEquals(16, norm.tensor().elements());
      String none = assertThrows(Failure.class, () -> run.inspect("ln_g")).getMessage();
      assertTrue(none.contains("there is no tensor ln_g"), none);
    }
  }

  @Test
  void twoDevicesAreCompared() {
    Comparison same = Anneal.compare(tiny, 1, "cpu", "cpu");
    assertEquals(2, same.devices().size());
    assertFalse(same.diverged());
    assertThrows(Failure.class, () -> Anneal.compare(tiny, 1, "cpu"));
  }

  @Test
  void whatIsWrongIsOneLineThatNamesSettings() {
    for (Training wrong :
        List.of(tiny.withBatch(1 << 20, 16), tiny.withData(temp.resolve("none").toString()))) {
      String why = assertThrows(Failure.class, () -> Anneal.begin(wrong, "cpu")).getMessage();
      assertEquals(1, why.lines().count());
      assertFalse(why.contains("--"), why);
    }
    assertThrows(Failure.class, () -> tiny.withBatch(1, 17));
    assertThrows(Failure.class, () -> Anneal.begin(tiny, "gpu"));
    assertThrows(Failure.class, () -> Anneal.begin(tiny, "cpu:x"));
  }

  @Test
  void nothingIsWrittenThatWasNotAskedFor() throws IOException {
    try (Anneal run = begin()) {
      run.train();
    }
    try (Stream<Path> files = Files.list(temp)) {
      assertEquals(List.of(temp.resolve("book.txt")), files.toList());
    }
  }

  @Test
  void aClosedRunSaysSo() {
    Anneal run = begin();
    run.close();
    assertTrue(assertThrows(Failure.class, run::step).getMessage().contains("the run is closed"));
  }
}
