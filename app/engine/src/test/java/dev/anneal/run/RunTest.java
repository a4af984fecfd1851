package dev.anneal.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.generation.SamplingSettings;
import dev.anneal.model.Gpt2;
import dev.anneal.model.Parameter;
import dev.anneal.optimizer.AdamW;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.run.config.ConfigJson;
import dev.anneal.run.config.Corpus;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.log.Event;
import dev.anneal.run.store.Checkpoints;
import dev.anneal.run.store.RunDirectory;
import dev.anneal.training.Schedule;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole runs of a tiny model: what may change their bits, and what must not. */
class RunTest {
  @TempDir private Path temp;
  private Path text;

  @BeforeEach
  void writeText() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 900; i++) {
      lines.append("line ").append(i * 7919 % 1000).append(" of a text that repeats itself\n\n");
    }
    text = Files.writeString(temp.resolve("text.txt"), lines);
  }

  private RunConfig config(int microSteps, int batch, Recompute recompute, double lr) {
    return new RunConfig(
        new Gpt2.Config(2, 2, 32, 16, 256),
        new RunConfig.Data(Optional.of(text.toString()), Optional.empty(), "byte"),
        batch,
        16,
        microSteps,
        new Schedule(Schedule.Known.COSINE, lr, 2, 20, 0.1),
        AdamW.defaults().withWeightDecay(0.1f),
        recompute,
        Precision.FP32,
        42,
        new RunConfig.Intervals(5, 2, 0, 8, 0, 0));
  }

  private RunConfig config() {
    return config(1, 4, Recompute.NONE, 1e-2);
  }

  private Device cpu(int threads) {
    return Devices.open("cpu", 0, DeviceOptions.threads(threads));
  }

  /** The losses and norms of {@code steps} steps. */
  private static List<Double> steps(Run run, int steps) {
    List<Double> numbers = new ArrayList<>();
    for (int i = 0; i < steps; i++) {
      var result = run.advance(false).result();
      numbers.add(result.loss());
      numbers.add(result.gradientNorm());
    }
    return numbers;
  }

  private static byte[] weights(Run run) {
    try (Arena arena = Arena.ofConfined()) {
      Parameter parameter = run.model().parameters().get(3);
      MemorySegment bytes = arena.allocate(parameter.tensor().bytes());
      run.trainer().read(parameter.tensor(), 0, bytes);
      return bytes.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    }
  }

  private List<Double> losses(RunConfig config, int threads, int steps) {
    try (Device device = cpu(threads);
        Run run =
            Run.begin(config, Corpus.open(config, Optional.empty()), device, Optional.empty())) {
      return steps(run, steps);
    }
  }

  @Test
  void learns() {
    List<Double> numbers = losses(config(), 2, 20);
    assertTrue(numbers.get(38) < 0.75 * numbers.get(0), numbers.toString());
  }

  @Test
  void hasTheSameBitsWithAnyNumberOfThreads() {
    List<Double> one = losses(config(), 1, 6);
    for (int threads = 2; threads <= 4; threads++) {
      assertEquals(one, losses(config(), threads, 6));
    }
  }

  @Test
  void hasTheSameBitsWhateverIsComputedAgain() {
    List<Double> none = losses(config(), 2, 6);
    assertEquals(none, losses(config(1, 4, Recompute.GELU, 1e-2), 2, 6));
    assertEquals(none, losses(config(1, 4, Recompute.BLOCK, 1e-2), 2, 6));
  }

  @Test
  void learnsTheSameWithoutEverHavingAllLogits() {
    List<Double> whole = losses(config(), 2, 6);
    assertEquals(whole, losses(config().withClassifierChunks(0), 2, 6));
    List<Double> chunked = losses(config().withClassifierChunks(3), 2, 6);
    for (int i = 0; i < whole.size(); i++) {
      assertEquals(whole.get(i), chunked.get(i), 2e-4 * whole.get(i));
    }
    Path manifest = temp.resolve("manifest.json");
    RunConfig written =
        ConfigJson.read(ConfigJson.write(config().withClassifierChunks(3)), manifest);
    assertEquals(Optional.of(3), written.classifierChunks());
    assertEquals(
        Optional.empty(), ConfigJson.read(ConfigJson.write(config()), manifest).classifierChunks());
  }

  @Test
  void accumulatesWhatALargerBatchWouldHave() {
    List<Double> whole = losses(config(1, 4, Recompute.NONE, 1e-2), 2, 6);
    List<Double> parts = losses(config(4, 1, Recompute.NONE, 1e-2), 2, 6);
    for (int i = 0; i < whole.size(); i++) {
      assertEquals(whole.get(i), parts.get(i), 2e-4 * whole.get(i));
    }
  }

  /** Five steps, a checkpoint, and five more in another run after {@code damage} to it. */
  private List<Double> resumed(Damage damage) {
    RunConfig config = config();
    Path out = temp.resolve("run-" + System.nanoTime());
    try (Device device = cpu(2);
        Run run =
            Run.begin(
                config,
                Corpus.open(config, Optional.empty()),
                device,
                Optional.of(RunDirectory.create(out)))) {
      steps(run, 5);
      run.save();
    }
    try (Device device = cpu(3)) {
      RunDirectory directory = RunDirectory.open(out);
      Checkpoints.Saved saved = directory.newest().orElseThrow();
      Corpus corpus = Corpus.open(saved.config(), saved.corpusFingerprint());
      try (Run run = Run.resume(saved.config(), damage.shifted(corpus), device, directory, saved)) {
        assertEquals(5, run.step());
        damage.apply(run);
        return steps(run, 5);
      }
    }
  }

  private interface Damage {
    default Corpus shifted(Corpus corpus) {
      return corpus;
    }

    default void apply(Run run) {}
  }

  @Test
  void resumesBitForBit() {
    List<Double> uninterrupted = losses(config(), 2, 10);
    assertEquals(uninterrupted.subList(10, 20), resumed(new Damage() {}));
  }

  @Test
  void aLostMomentWouldBeNoticed() {
    List<Double> damaged =
        resumed(
            new Damage() {
              @Override
              public void apply(Run run) {
                var v = run.trainer().optimizer().state(run.model().parameters().get(2)).getLast();
                try (Arena arena = Arena.ofConfined()) {
                  run.trainer().write(v, 0, arena.allocate(v.bytes()));
                }
              }
            });
    assertNotEquals(losses(config(), 2, 10).subList(10, 20), damaged);
  }

  @Test
  void aShiftedDataPositionWouldBeNoticed() {
    List<Double> damaged =
        resumed(
            new Damage() {
              @Override
              public Corpus shifted(Corpus c) {
                return new Corpus(
                    (index, tokens, targets) -> c.training().fill(index + 1, tokens, targets),
                    c.validation(),
                    c.validationBatches(),
                    c.tokenizer(),
                    c.description(),
                    c.fingerprint(),
                    c.opening(),
                    c.notes());
              }
            });
    assertNotEquals(losses(config(), 2, 10).subList(10, 20), damaged);
  }

  @Test
  void samplingAndEvaluatingChangeNoBit() {
    List<Double> plain = losses(config(), 2, 6);
    RunConfig config = config();
    try (Device device = cpu(2);
        Run run =
            Run.begin(config, Corpus.open(config, Optional.empty()), device, Optional.empty())) {
      List<Double> numbers = new ArrayList<>(steps(run, 3));
      StringBuilder first = new StringBuilder();
      run.sample(
          new Run.Prompt("line ", 40, new SamplingSettings(1, 0, 1, 7)),
          e -> collect(e, first),
          () -> false);
      run.evaluate();
      StringBuilder second = new StringBuilder();
      run.sample(
          new Run.Prompt("line ", 40, new SamplingSettings(1, 0, 1, 7)),
          e -> collect(e, second),
          () -> false);
      assertEquals(first.toString(), second.toString());
      assertFalse(first.isEmpty());
      numbers.addAll(steps(run, 3));
      assertEquals(plain, numbers);
    }
  }

  private static void collect(Event event, StringBuilder into) {
    if (event instanceof Event.SampleText piece) {
      into.append(piece.text());
    }
  }

  @Test
  void aNonFiniteGradientNeverReachesTheWeights() {
    RunConfig config = config();
    try (Device device = cpu(2);
        Run run =
            Run.begin(config, Corpus.open(config, Optional.empty()), device, Optional.empty())) {
      steps(run, 2);
      Parameter gain = run.model().parameters().get(2);
      try (Arena arena = Arena.ofConfined()) {
        run.trainer()
            .write(
                gain.tensor(),
                0,
                arena.allocateFrom(java.lang.foreign.ValueLayout.JAVA_FLOAT, Float.NaN));
      }
      byte[] before = weights(run);
      assertFalse(run.advance(false).result().finite());
      assertArrayEquals(before, weights(run));
    }
  }

  @Test
  void aSessionEndsWhenItsTargetIsReached() {
    RunConfig config = config();
    List<Event> events = new ArrayList<>();
    try (Device device = cpu(2);
        Session session =
            new Session(
                Run.begin(config, Corpus.open(config, Optional.empty()), device, Optional.empty()),
                new Session.Limits(
                    Optional.of(Until.parse("--until", "step>=7")), Optional.empty()),
                List.of(events::add))) {
      session.start();
      Event.Ended ended = session.await();
      assertEquals(Event.Outcome.TARGET, ended.outcome());
      assertEquals(7, ended.step());
    }
    assertEquals(7, events.stream().filter(e -> e instanceof Event.Step).count());
    assertTrue(events.getFirst() instanceof Event.Started);
  }

  @Test
  void aSessionPausesStepsAndStopsBetweenSteps() {
    RunConfig config = config();
    try (Device device = cpu(2);
        Session session =
            new Session(
                Run.begin(config, Corpus.open(config, Optional.empty()), device, Optional.empty()),
                new Session.Limits(Optional.empty(), Optional.empty()),
                List.of())) {
      session.pause();
      session.start();
      assertEquals(0, session.atBoundary(Run::step).join());
      session.step(3);
      int step = 0;
      while (step < 3) {
        step = session.atBoundary(Run::step).join();
      }
      assertEquals(3, step);
      assertEquals(Event.State.PAUSED, session.state());
      session.stop();
      assertEquals(Event.Outcome.STOPPED, session.await().outcome());
      assertEquals(3, session.await().step());
    }
  }
}
