package dev.anneal.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.Anneal;
import dev.anneal.Training;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.failure.Failure;
import dev.anneal.model.Model;
import dev.anneal.model.Models;
import dev.anneal.model.Parameter;
import dev.anneal.model.Sizes;
import dev.anneal.optimizer.AdamW;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.plan.Role;
import dev.anneal.random.Philox;
import dev.anneal.reference.ReferenceInterpreter;
import dev.anneal.run.config.Corpus;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.store.Checkpoints;
import dev.anneal.run.store.RunDirectory;
import dev.anneal.run.store.SavedRun;
import dev.anneal.training.Schedule;
import dev.anneal.training.StepRecipe;
import dev.anneal.training.TrainingPlans;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A model whose tensors are called as GPT-2's are not gets all that GPT-2 gets. */
class OwnModelTest {
  private static final int LAYERS = 3;
  private static final int TOKENS = 16;
  private static final OwnModel.Config CONFIG =
      new OwnModel.Config(new Sizes(LAYERS, 2, 16, TOKENS, 256));
  private static final Model MODEL = CONFIG.model();

  @TempDir private Path temp;

  private RunConfig config(Recompute recompute) throws IOException {
    Path text = temp.resolve("text.txt");
    Files.writeString(text, "the quick brown fox jumps over the lazy dog\n\n".repeat(300));
    return new RunConfig(
        CONFIG,
        new RunConfig.Data(Optional.of(text.toString()), Optional.empty(), "byte"),
        1,
        TOKENS,
        2,
        new Schedule(Schedule.Known.COSINE, 1e-2, 2, 20, 0.1),
        AdamW.defaults(),
        recompute,
        Precision.FP32,
        42,
        new RunConfig.Intervals(0, 1, 0, 8, 0, 0));
  }

  private static List<Double> steps(Run run, int count) {
    List<Double> numbers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      var result = run.advance(false).result();
      numbers.add(result.loss());
      numbers.add(result.gradientNorm());
    }
    return numbers;
  }

  private static Device cpu() {
    return Devices.open("cpu", 0, DeviceOptions.threads(2));
  }

  private static List<Double> uninterrupted(RunConfig config, int count) {
    Corpus corpus = Corpus.open(config, Optional.empty());
    try (Device device = cpu();
        Run run = Run.begin(config, corpus, device, Optional.empty())) {
      return steps(run, count);
    }
  }

  @Test
  void learnsTheSameBitsWithItsBlocksComputedAgainAndGoesOnFromACheckpoint() throws IOException {
    RunConfig config = config(Recompute.BLOCK);
    List<Double> expected = uninterrupted(config(Recompute.NONE), 8);
    assertTrue(expected.get(14) < expected.getFirst(), expected.toString());
    Path out = temp.resolve("run");
    Corpus corpus = Corpus.open(config, Optional.empty());
    List<Double> numbers = new ArrayList<>();
    try (Device device = cpu();
        Run run = Run.begin(config, corpus, device, Optional.of(RunDirectory.create(out)))) {
      numbers.addAll(steps(run, 4));
      run.save().orElseThrow();
    }
    Checkpoints.Saved saved = SavedRun.checkpoint(out, warning -> {});
    assertEquals("own", saved.files().meta().at("/config/model/family").asText());
    try (Device device = cpu();
        Run run =
            Run.resume(
                saved.config().with(CONFIG.family()),
                corpus,
                device,
                RunDirectory.open(out),
                saved)) {
      numbers.addAll(steps(run, 4));
    }
    assertEquals(expected, numbers);
  }

  @Test
  void aProgramThatHasItsCodeLoadsItAgain() throws IOException {
    Training training = new Training(config(Recompute.NONE));
    List<Double> expected = uninterrupted(training.config(), 6);
    Path out = temp.resolve("saved");
    List<Double> losses = new ArrayList<>();
    try (Anneal run = Anneal.begin(training, "cpu")) {
      for (int i = 0; i < 3; i++) {
        losses.add(run.step().loss());
      }
      run.save(out);
    }
    try (Anneal run = Anneal.load(out, "cpu", CONFIG.family())) {
      for (int i = 0; i < 3; i++) {
        losses.add(run.step().loss());
      }
      run.save(out);
      assertEquals(6, run.updates());
    }
    assertEquals(IntStream.range(0, 6).mapToObj(i -> expected.get(2 * i)).toList(), losses);
    Training same = Training.of(out, CONFIG.family());
    assertEquals(CONFIG, same.config().model());
    try (Anneal weights = Anneal.beginWith(out, same, "cpu")) {
      assertTrue(weights.evaluate() < expected.getFirst());
    }
  }

  @Test
  void withoutItsCodeItIsListedAndRefusedInALine() throws IOException {
    Path out = temp.resolve("saved");
    try (Anneal run = Anneal.begin(new Training(config(Recompute.NONE)), "cpu")) {
      run.save(out);
    }
    assertEquals(LAYERS, Training.of(out).config().model().layers());
    Failure missing = assertThrows(Failure.class, () -> Anneal.load(out, "cpu"));
    assertTrue(
        missing.getMessage().contains("Anneal.load(run, device, family)"), missing::toString);
    Failure other = assertThrows(Failure.class, () -> Anneal.load(out, "cpu", Models.DEFAULT));
    assertEquals("the run's model is of the family own, and not gpt2", other.getMessage());
  }

  private static TrainingPlans plans(Precision precision, Recompute recompute) {
    // A GPU that is planned for and need not be here, since the CPU has no 8 bits.
    try (Device device = Devices.toPlan("cuda", Optional.empty())) {
      return new StepRecipe(
              MODEL,
              1,
              TOKENS,
              1,
              AdamW.defaults().withWeightDecay(0.1f),
              recompute,
              Optional.empty(),
              precision)
          .on(device);
    }
  }

  private static long count(Plan plan, Class<? extends Op> kind) {
    return plan.ops().stream().filter(kind::isInstance).count();
  }

  @Test
  void itsBlocksAndNotItsHeadAreMultipliedInEightBits() {
    Plan step = plans(Precision.FP8, Recompute.NONE).step();
    assertEquals(LAYERS * 4 * 3, count(step, Op.ScaledMatmul.class));
    assertEquals(0, count(plans(Precision.BF16, Recompute.NONE).step(), Op.ScaledMatmul.class));
  }

  @ParameterizedTest
  @EnumSource(names = {"FP32", "BF16", "FP8"})
  void itsBlocksAreComputedAgain(Precision precision) {
    Plan kept = plans(precision, Recompute.NONE).step();
    Plan again = plans(precision, Recompute.BLOCK).step();
    assertEquals(2L * LAYERS, count(again, Op.LayerNormForward.class) - 1);
    assertEquals(2L * LAYERS, count(again, Op.AttentionForward.class));
    assertTrue(
        again.layout().bytes(dev.anneal.plan.Arena.ACTIVATIONS)
            < kept.layout().bytes(dev.anneal.plan.Arena.ACTIVATIONS));
  }

  /** The losses of some steps on one batch. */
  private static List<Double> losses(Precision precision, Recompute recompute) {
    TrainingPlans plans = plans(precision, recompute);
    ReferenceInterpreter run = new ReferenceInterpreter();
    int stream = 0;
    for (Parameter parameter : MODEL.parameters()) {
      double[] values = run.get(parameter.tensor());
      for (int i = 0; i < values.length; i++) {
        values[i] = 0.3 * Philox.normal(Philox.bits(5, Philox.Purpose.TEST, stream, i, 0));
      }
      stream++;
    }
    for (int i = 0; i < TOKENS; i++) {
      run.get(plans.inputs().tokens())[i] = i * 7 % 256;
      run.get(plans.inputs().targets())[i] = i * 5 % 256;
    }
    plans.refresh().ifPresent(refresh -> run.run(refresh.ops()));
    List<Double> losses = new ArrayList<>();
    for (int step = 1; step <= 3; step++) {
      run.set(plans.inputs().schedule(), 1e-2, 1 - Math.pow(0.9, step), 1 - Math.pow(0.95, step));
      run.run(plans.step().ops());
      losses.add(run.get(plans.loss())[0]);
    }
    return losses;
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "FP8", "FP8_HYBRID"})
  void itLearnsInFewerBitsWhateverIsComputedAgain(Precision precision) {
    List<Double> exact = losses(Precision.FP32, Recompute.NONE);
    List<Double> narrow = losses(precision, Recompute.NONE);
    assertEquals(narrow, losses(precision, Recompute.BLOCK));
    assertTrue(narrow.getLast() < narrow.getFirst(), narrow.toString());
    for (int i = 0; i < exact.size(); i++) {
      assertEquals(exact.get(i), narrow.get(i), 0.1 * exact.get(i));
    }
  }

  @Test
  void weightDecayIsOfWhatMultiplies() {
    for (Op op : plans(Precision.FP32, Recompute.NONE).step().ops()) {
      if (op instanceof Op.AdamW update) {
        Role role = update.parameter().role();
        assertEquals(role == Role.MATRIX || role == Role.EMBEDDING, update.weightDecay() > 0);
        assertEquals(DType.F32, update.parameter().dtype());
      }
    }
  }
}
