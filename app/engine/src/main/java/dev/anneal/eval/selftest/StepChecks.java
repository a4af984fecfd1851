package dev.anneal.eval.selftest;

import dev.anneal.device.Device;
import dev.anneal.eval.LockStep;
import dev.anneal.eval.LockStep.OpError;
import dev.anneal.eval.RandomTokens;
import dev.anneal.eval.Verification;
import dev.anneal.eval.selftest.Finding.Measured;
import dev.anneal.model.Model;
import dev.anneal.model.Parameter;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Precision;
import dev.anneal.reference.Tolerance;
import dev.anneal.training.Initialization;
import dev.anneal.training.StepRecipe;
import dev.anneal.training.Trainer;
import dev.anneal.training.TrainingPlans;
import java.util.ArrayList;
import java.util.List;

/**
 * Training steps with the plans that training has: every op on the inputs that the CPU has, the
 * gradients of whole steps, in which the device computes ops together, and the bits of steps that
 * are made again.
 */
final class StepChecks {
  private static final double LEARNING_RATE = 1e-3;

  /** Of the update that makes no parameter and no moment zero. */
  private static final double FIRST_LEARNING_RATE = 1e-2;

  private final Device cpu;
  private final SelfTest.Settings settings;

  /**
   * @param cpu the reference
   */
  StepChecks(Device cpu, SelfTest.Settings settings) {
    this.cpu = cpu;
    this.settings = settings;
  }

  /** The checks of all scenarios at a precision. */
  List<Check> of(Precision precision) {
    List<Check> checks = new ArrayList<>();
    boolean first = true;
    for (Scenario scenario : Scenario.of(precision, settings.quick())) {
      StepRecipe options = scenario.options();
      String name = scenario.name();
      checks.add(new Check(CheckNames.OPS + name, precision, on -> opByOp(options, on)));
      checks.add(new Check(CheckNames.STEP + name, precision, on -> whole(options, on)));
      if (first || !settings.quick()) {
        checks.add(new Check(CheckNames.GRAPH + name, precision, on -> graph(options, on)));
        checks.add(new Check(CheckNames.REPEAT + name, precision, on -> again(options, on)));
      }
      first = false;
    }
    return checks;
  }

  /** The same model on both devices, after an update. */
  private final class Pair implements AutoCloseable {
    final Trainer expected;
    final Trainer actual;
    final Trainer.Batches batches;
    private final int microSteps;

    Pair(StepRecipe options, Device device) {
      Model model = options.model();
      microSteps = options.microSteps();
      List<TrainingPlans> plans = options.together(List.of(cpu, device));
      batches = RandomTokens.of(model.vocabulary(), settings.seed());
      expected = new Trainer(cpu, plans.getFirst(), options.optimizer(), settings.seed());
      try {
        actual = new Trainer(device, plans.getLast(), options.optimizer(), settings.seed());
      } catch (RuntimeException e) {
        expected.close();
        throw e;
      }
      Initialization.initialize(expected, model, settings.seed());
      expected.step(batches, 0, 1, FIRST_LEARNING_RATE);
      actual.copyState(expected);
    }

    /** The second step, op by op; the reference then has its results. */
    List<OpError> lockStep() {
      LockStep lockStep =
          new LockStep(
              new LockStep.Side(cpu, expected.memory()),
              new LockStep.Side(actual.device(), actual.memory()));
      List<OpError> errors = new ArrayList<>();
      List<Plan> plans = expected.plans().microSteps();
      for (int i = 0; i < plans.size(); i++) {
        expected.prepare(batches, microSteps + i, 2, LEARNING_RATE);
        errors.addAll(
            lockStep.run(
                plans.get(i), actual.plans().microSteps().get(i), op -> true, () -> false));
      }
      return errors;
    }

    double wholeStep() {
      return actual.step(batches, microSteps, 2, LEARNING_RATE).loss();
    }

    @Override
    public void close() {
      actual.close();
      expected.close();
    }
  }

  private Measured opByOp(StepRecipe options, Device device) {
    try (Pair pair = new Pair(options, device)) {
      return pair.lockStep().stream()
          .map(
              error ->
                  Measured.of(
                      error.tolerance(),
                      error.difference(),
                      error.tensor() + " of op " + error.index() + ", " + error.op().kind()))
          .reduce(Measured::worse)
          .orElseThrow();
    }
  }

  /** Against the reference as it is after the same step op by op, with what the device rounds. */
  private Measured whole(StepRecipe options, Device device) {
    try (Pair pair = new Pair(options, device)) {
      pair.wholeStep();
      StepResults given = StepResults.gradients(pair.actual, options.model());
      pair.lockStep();
      StepResults right = StepResults.gradients(pair.expected, options.model());
      Tolerance tolerance = new Tolerance(false, Verification.tolerance(options.precision()));
      return options.model().parameters().stream()
          .map(Parameter::name)
          .map(name -> Measured.of(tolerance, given.difference(right, name), "gradient of " + name))
          .reduce(Measured::worse)
          .orElseThrow();
    }
  }

  /** A program's first run tells a GPU command by command what to do, the next one is a graph. */
  private Measured graph(StepRecipe options, Device device) {
    TrainingPlans plans = options.on(device);
    try (Trainer trainer = new Trainer(device, plans, options.optimizer(), settings.seed())) {
      StepResults first = steps(trainer, options.model(), 1);
      StepResults second = steps(trainer, options.model(), 1);
      return Measured.bits(first.differentBits(second), "a graph and no graph");
    }
  }

  private Measured again(StepRecipe options, Device device) {
    TrainingPlans plans = options.on(device);
    StepResults first;
    try (Trainer trainer = new Trainer(device, plans, options.optimizer(), settings.seed())) {
      first = steps(trainer, options.model(), 2);
    }
    try (Trainer trainer = new Trainer(device, plans, options.optimizer(), settings.seed())) {
      StepResults second = steps(trainer, options.model(), 2);
      return Measured.bits(first.differentBits(second), "two runs of the same steps");
    }
  }

  /** What {@code count} steps from the first weights come to. */
  private StepResults steps(Trainer trainer, Model model, int count) {
    Trainer.Batches batches = RandomTokens.of(model.vocabulary(), settings.seed());
    int microSteps = trainer.plans().microSteps().size();
    Initialization.initialize(trainer, model, settings.seed());
    Initialization.clearMoments(trainer, model);
    for (int i = 0; i < count; i++) {
      trainer.step(batches, (long) i * microSteps, i + 1, LEARNING_RATE);
    }
    return StepResults.all(trainer, model);
  }
}
