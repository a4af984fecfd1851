package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/**
 * What a command checks, times or compares on a device is the very step that a run makes there: the
 * same ops on the same tensors, with the rewrites and the copies of weights that the device wants.
 */
@ResourceLock("recording")
class TestedAsTrainedTest {
  private static final String SIZES =
      " --layers 1 --heads 2 --channels 16 --context 16 --batch 2 --seq 16";

  @TempDir Path temp;

  private String run(String line) {
    return new Cli(temp).ok(line).out();
  }

  /** The plan of a whole step that is compiled when {@code line} runs. */
  private List<String> step(String line) {
    List<Plan> plans = RecordingBackend.during(() -> run(line));
    List<List<String>> steps =
        plans.stream()
            .filter(plan -> plan.name().equals("step"))
            .map(TestedAsTrainedTest::ops)
            .distinct()
            .toList();
    assertEquals(1, steps.size(), line);
    return steps.getFirst();
  }

  /** Of all but the numbers that only an update has. */
  private static List<String> ops(Plan plan) {
    return plan.ops().stream().map(op -> op.kind() + op.tensors()).toList();
  }

  private String train(String more) {
    return new Cli(temp)
        .train("run", "--steps 1 --backend recording" + SIZES + more)
        .replace("--threads 1", "");
  }

  @Test
  void compareMakesTheStepThatTrainMakes() {
    List<String> trained = step(train(""));
    assertTrue(trained.stream().anyMatch(op -> op.startsWith("Classifier")), trained.toString());
    assertTrue(trained.stream().anyMatch(op -> op.startsWith("Cast")), trained.toString());
    String data = " --data " + temp.resolve("text.txt");
    assertEquals(
        trained, step("compare cpu recording --steps 1 --warmup 0" + SIZES + data), "compare");
  }

  /** One op, since all of them take their time. */
  @Test
  void benchTimesTheOpThatTrainMakes() {
    List<Plan> trained = RecordingBackend.during(() -> run(train("")));
    List<Plan> timed =
        RecordingBackend.during(() -> run("bench Classifier --backend recording" + SIZES));
    assertEquals(classifiers(trained, "step"), classifiers(timed, "bench"));
  }

  private static List<List<Shape>> classifiers(List<Plan> plans, String name) {
    List<List<Shape>> shapes =
        plans.stream()
            .filter(plan -> plan.name().equals(name))
            .flatMap(plan -> plan.ops().stream())
            .filter(Op.Classifier.class::isInstance)
            .map(op -> op.tensors().stream().map(Tensor::shape).toList())
            .toList();
    assertEquals(1, shapes.size(), name);
    return shapes;
  }

  @Test
  void planListsTheOpsThatTrainMakes() {
    List<String> trained = step(train(" --recompute block --classifier-chunks 2"));
    RecordingBackend.during(
        () -> {
          String listed =
              run("plan --ops --backend recording --recompute block --classifier-chunks 2" + SIZES);
          List<String> kinds =
              listed
                  .lines()
                  .filter(line -> line.matches(" *\\d+ [A-Z]\\w+ +\\[.*"))
                  .map(line -> line.strip().split(" +")[1])
                  .toList();
          assertEquals(trained.stream().map(op -> op.split("\\[")[0]).toList(), kinds);
        });
  }

  @Test
  void verifyMakesAStepAsTheDeviceWantsIt() throws URISyntaxException {
    Path model = Path.of(TestedAsTrainedTest.class.getResource("/gpt2-tiny/model.bin").toURI());
    List<String> verified =
        step(
            "verify --backend recording --steps 1 --checkpoint "
                + model
                + " --state "
                + model.resolveSibling("debug_state.bin"));
    assertTrue(verified.stream().anyMatch(op -> op.startsWith("Classifier")), "" + verified);
    assertTrue(verified.stream().anyMatch(op -> op.startsWith("Cast")), "" + verified);
    assertFalse(
        verified.stream().anyMatch(op -> op.startsWith("CrossEntropyForward")), "" + verified);
  }
}
