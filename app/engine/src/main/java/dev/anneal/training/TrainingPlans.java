package dev.anneal.training;

import dev.anneal.model.Model;
import dev.anneal.model.Parameter;
import dev.anneal.optimizer.Optimizer;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.plan.Backward;
import dev.anneal.plan.DType;
import dev.anneal.plan.Emitter;
import dev.anneal.plan.Multiplication;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Rewrite;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import dev.anneal.plan.WeightCopies;
import dev.anneal.training.RewritePipeline.Part;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The plans of one model at one batch shape: a training step, in one plan or in micro-steps, and an
 * evaluation. They share all arenas.
 *
 * @param microSteps the plans of one step in order; the last one ends with the update
 * @param evaluation the forward pass to the loss
 * @param refresh makes all copies of the parameters anew, where there are any
 * @param inputs what the host writes before each run
 * @param loss the mean loss of the batch, in nats per token, a result of every plan
 * @param norm the gradients' global norm, a result of the last micro-step
 * @param logits (B,T,Vp), a result of the evaluation
 * @param storage how its numbers are stored
 */
public record TrainingPlans(
    List<Plan> microSteps,
    Plan evaluation,
    Optional<Plan> refresh,
    Inputs inputs,
    Tensor loss,
    Tensor norm,
    Tensor logits,
    Storage storage) {

  /**
   * What changes from step to step.
   *
   * @param tokens (B,T), integers
   * @param targets (B,T), integers
   * @param schedule learning rate, 1 - beta1^t, 1 - beta2^t
   * @param random the low and the high half of the seed, and t, where parameters are rounded
   */
  public record Inputs(
      Tensor tokens,
      Tensor targets,
      Tensor schedule,
      Optional<Tensor> random,
      List<Model.Constant> constants) {
    private static Inputs of(StepRecipe recipe, Precision precision) {
      return new Inputs(
          input("tokens", DType.I32, Shape.of(recipe.batch(), recipe.sequence())),
          input("targets", DType.I32, Shape.of(recipe.batch(), recipe.sequence())),
          input("schedule", DType.F32, Shape.of(3)),
          precision.parameters() == DType.F32
              ? Optional.empty()
              : Optional.of(input("random", DType.I32, Shape.of(3))),
          recipe.model().constants(recipe.sequence()));
    }

    private List<Tensor> all() {
      return Stream.of(
              Stream.of(tokens, targets, schedule),
              random.stream(),
              constants.stream().map(Model.Constant::tensor))
          .flatMap(all -> all)
          .toList();
    }
  }

  /** How many times too large all gradients and their norm are. */
  public float lossScale() {
    return storage.lossScale();
  }

  /** What a model emits for a batch, up to the mean loss. */
  private record Forward(List<Op> ops, Tensor logits, Tensor loss) {
    static Forward of(Model model, Inputs inputs) {
      Emitter emit = new Emitter();
      Tensor hidden = model.hidden(emit, inputs.tokens(), new Model.Attention.Causal());
      Tensor logits = model.logits(emit, hidden);
      Tensor losses = emit.crossEntropy("losses", logits, inputs.targets(), model.vocabulary());
      Tensor loss = emit.mean("loss", losses);
      return new Forward(emit.ops(), logits, loss);
    }

    /** These ops, and those of the backward pass from a gradient of the loss. */
    List<Op> withGradients(float seed) {
      List<Op> both = new ArrayList<>(ops);
      both.addAll(Backward.derive(ops, loss, seed, Parameter::gradient));
      return both;
    }
  }

  /**
   * Derives the plans.
   *
   * @param wanted rewrites of the device, or of any that run the same ops
   * @param storage of activations and weights; it multiplies all gradients with its loss scale
   */
  static TrainingPlans of(StepRecipe recipe, List<Rewrite> wanted, Storage storage) {
    Model model = recipe.model();
    Precision precision = storage.precision();
    RewritePipeline pipeline = RewritePipeline.of(recipe, wanted, storage);
    Inputs inputs = Inputs.of(recipe, precision);
    Forward forward = Forward.of(model, inputs);
    List<Op> both = forward.withGradients(storage.lossScale() / recipe.microSteps());
    List<Op.Quantize> quantized = pipeline.quantizedWeights(both);
    Optional<WeightCopies> copies = storage.weightCopies().map(WeightCopies::new);
    List<ArenaLayout> places =
        new ArrayList<>(persistent(model, recipe.optimizer(), inputs, precision));
    copies.ifPresent(c -> places.add(weights(c, model, quantized)));

    Tensor norm = new Tensor("norm", DType.F32, Shape.of(), Arena.ACTIVATIONS);
    List<Op> update =
        new ArrayList<>(
            pipeline.apply(
                Part.UPDATE, update(model, inputs, norm, recipe.optimizer(), storage.lossScale())));
    update.addAll(quantized);
    Tensor stored = precision.stored(forward.logits());
    Plan evaluation =
        Plan.of(
            "evaluate",
            pipeline.apply(Part.EVALUATION, forward.ops()),
            List.of(forward.loss(), stored),
            places);
    return new TrainingPlans(
        new Gradients(pipeline, both, places, precision.multiplication())
            .steps(recipe.microSteps(), update, forward.loss(), norm),
        evaluation.with(precision.multiplication()),
        copies.map(c -> refresh(c, model, quantized, places)),
        inputs,
        forward.loss(),
        norm,
        stored,
        storage);
  }

  /** The forward and backward pass that a step makes once or several times. */
  private record Gradients(
      RewritePipeline pipeline,
      List<Op> emitted,
      List<ArenaLayout> places,
      Multiplication multiplication) {

    /** The plans of a step; all micro-steps between the first and the last are one plan. */
    List<Plan> steps(int count, List<Op> update, Tensor loss, Tensor norm) {
      List<Plan> plans = new ArrayList<>();
      for (int i = 0; i < count - 1; i++) {
        plans.add(i > 1 ? plans.get(1) : plan("micro-step", ops(i), List.of(loss)));
      }
      List<Op> last = new ArrayList<>(ops(count - 1));
      last.addAll(update);
      plans.add(plan("step", last, List.of(loss, norm)));
      return List.copyOf(plans);
    }

    private List<Op> ops(int microStep) {
      return pipeline.apply(microStep == 0 ? Part.GRADIENTS : Part.LATER_GRADIENTS, emitted);
    }

    private Plan plan(String name, List<Op> ops, List<Tensor> results) {
      return Plan.of(name, ops, results, places).with(multiplication);
    }
  }

  /** Copies of all parameters, and what is made of copies. */
  private static ArenaLayout weights(
      WeightCopies copies, Model model, List<Op.Quantize> quantized) {
    return ArenaLayout.sequential(
        Arena.WEIGHTS,
        Stream.concat(
                model.parameters().stream().map(p -> copies.of(p.tensor())),
                quantized.stream().flatMap(op -> op.writes().stream()))
            .toList());
  }

  private static Plan refresh(
      WeightCopies copies, Model model, List<Op.Quantize> quantized, List<ArenaLayout> places) {
    List<Op> ops = new ArrayList<>();
    model.parameters().forEach(p -> ops.add(copies.refresh(p.tensor())));
    ops.addAll(quantized);
    return Plan.of("refresh", ops, List.of(), places);
  }

  /** Every plan, each once. */
  public List<Plan> all() {
    // There may be many micro-steps, and all between the first and the last are one plan.
    int second = Math.min(1, microSteps.size() - 1);
    return Stream.concat(
            Stream.of(microSteps.getFirst(), microSteps.get(second), step(), evaluation),
            refresh.stream())
        .distinct()
        .toList();
  }

  /** The bytes each arena needs so that every plan here can run in it. */
  public Map<Arena, Long> bytes() {
    Map<Arena, Long> bytes = new EnumMap<>(Arena.class);
    all().stream()
        .flatMap(plan -> plan.layout().arenas().values().stream())
        .forEach(layout -> bytes.merge(layout.arena(), layout.bytes(), Math::max));
    return bytes;
  }

  /** Bytes of the inputs that change from run to run; the constants are behind them. */
  long changingInputBytes() {
    return inputs.constants().isEmpty()
        ? step().layout().bytes(Arena.INPUTS)
        : step().layout().offset(inputs.constants().getFirst().tensor());
  }

  /** The plan that ends a step. */
  public Plan step() {
    return microSteps.getLast();
  }

  private static Tensor input(String name, DType dtype, Shape shape) {
    return new Tensor(name, dtype, shape, Arena.INPUTS);
  }

  private static List<ArenaLayout> persistent(
      Model model, Optimizer optimizer, Inputs inputs, Precision precision) {
    List<Parameter> parameters = model.parameters();
    return List.of(
        ArenaLayout.sequential(
            Arena.PARAMETERS,
            parameters.stream().map(Parameter::tensor).map(precision::stored).toList()),
        ArenaLayout.sequential(
            Arena.GRADIENTS, parameters.stream().map(Parameter::gradient).toList()),
        ArenaLayout.sequential(Arena.OPTIMIZER, state(parameters, optimizer)),
        ArenaLayout.sequential(Arena.INPUTS, inputs.all()));
  }

  /** All first ones, then all second ones, and so on. */
  private static List<Tensor> state(List<Parameter> parameters, Optimizer optimizer) {
    List<List<Tensor>> each = parameters.stream().map(optimizer::state).toList();
    int most = each.stream().mapToInt(List::size).max().orElse(0);
    return IntStream.range(0, most)
        .boxed()
        .flatMap(i -> each.stream().filter(own -> own.size() > i).map(own -> own.get(i)))
        .toList();
  }

  private static List<Op> update(
      Model model, Inputs inputs, Tensor norm, Optimizer optimizer, float scale) {
    List<Op> ops = new ArrayList<>();
    ops.add(new Op.GlobalNorm(norm, model.parameters().stream().map(Parameter::gradient).toList()));
    ops.addAll(
        optimizer.update(
            model.parameters(),
            new Optimizer.Inputs(norm, inputs.schedule(), inputs.random(), scale)));
    return ops;
  }
}
