package dev.anneal.optimizer;

import dev.anneal.model.Parameter;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.MuonOp;
import dev.anneal.plan.Op;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Muon for the matrices of the blocks, AdamW for all else. The momentum of a matrix is made nearly
 * orthogonal, so that an update moves all directions alike: X = U / |U|, five times X = a X + (b A
 * + c A^2) X with A = X X', then W = (1 - lr decay) W - lr sqrt(max(1, rows / columns)) X.
 *
 * <p>Source: Jordan and others, "Muon: An optimizer for hidden layers in neural networks", 2024.
 *
 * @param others for embeddings, norms, biases and the head
 * @param rate what the matrices' learning rate is of the others'
 * @param momentum beta of the mean of gradients
 * @param weightDecay of the matrices
 */
public record Muon(AdamW others, float rate, float momentum, float weightDecay)
    implements Optimizer {
  /** The learning rate of the published runs. */
  public static final double LEARNING_RATE = 0.02;

  public static final float MOMENTUM = 0.95f;

  private static final int ITERATIONS = 5;
  private static final float A = 3.4445f;
  private static final float B = -4.7750f;
  private static final float C = 2.0315f;
  private static final float EPSILON = 1e-7f;

  public Muon {
    Setting.MUON_MOMENTUM.real(Written.OPTION, momentum);
    Setting.WEIGHT_DECAY.real(Written.OPTION, weightDecay);
    if (!(rate > 0) || !Float.isFinite(rate)) {
      throw new IllegalArgumentException("a rate of " + rate);
    }
  }

  /** Whether it is this parameter's: a matrix between a block's activations. */
  private static boolean orthogonalizes(Parameter parameter) {
    return parameter.tensor().isMatrixOfBlock();
  }

  @Override
  public AdamW adamW() {
    return others;
  }

  @Override
  public List<Tensor> state(Parameter parameter) {
    return orthogonalizes(parameter) ? List.of(momentum(parameter)) : others.state(parameter);
  }

  @Override
  public int leastState() {
    return 1;
  }

  private static Tensor momentum(Parameter parameter) {
    return parameter.tensor().like("momentum." + parameter.name(), Arena.OPTIMIZER);
  }

  @Override
  public List<Op> update(List<Parameter> parameters, Inputs inputs) {
    List<Op> ops = new ArrayList<>();
    // AdamW's last, in a row, so that one launch can have them all.
    List<Op> rest = new ArrayList<>();
    for (int i = 0; i < parameters.size(); i++) {
      Parameter parameter = parameters.get(i);
      if (orthogonalizes(parameter)) {
        ops.addAll(new Orthogonal(parameter).update(i, inputs));
      } else {
        rest.add(others.update(parameter, i, inputs));
      }
    }
    ops.addAll(rest);
    return List.copyOf(ops);
  }

  /** The update of one matrix. */
  private final class Orthogonal {
    private final Parameter parameter;
    private final int rows;
    private final int columns;

    /** Of X X', which is the smaller of the two. */
    private final int small;

    private final int large;
    private final List<Op> ops = new ArrayList<>();

    Orthogonal(Parameter parameter) {
      this.parameter = parameter;
      this.rows = parameter.tensor().shape().dim(0);
      this.columns = parameter.tensor().shape().dim(1);
      this.small = Math.min(rows, columns);
      this.large = Math.max(rows, columns);
    }

    private Tensor temporary(String name, int... dims) {
      return new Tensor(
          "muon." + name + "." + parameter.name(), DType.F32, Shape.of(dims), Arena.ACTIVATIONS);
    }

    List<Op> update(int stream, Inputs inputs) {
      boolean transposed = rows > columns;
      Tensor direction = temporary("u", rows, columns);
      ops.add(
          new MuonOp.MuonMomentum(
              direction,
              Muon.momentum(parameter),
              parameter.gradient(),
              inputs.norm(),
              momentum,
              inputs.lossScale() * others.maxNorm()));
      Tensor length = temporary("length");
      ops.add(new Op.GlobalNorm(length, List.of(direction)));
      Tensor x = temporary("x0", small, large);
      ops.add(new MuonOp.Normalize(x, direction, length, inputs.lossScale() * EPSILON, transposed));
      for (int i = 1; i <= ITERATIONS; i++) {
        x = iterate(x, i);
      }
      ops.add(
          new MuonOp.MuonUpdate(
              parameter.tensor(),
              x,
              inputs.norm(),
              inputs.schedule(),
              rate,
              (float) Math.sqrt(Math.max(1, (double) rows / columns)),
              weightDecay,
              transposed,
              inputs.rounding(stream)));
      return ops;
    }

    /** a x + (b A + c A A) x with A = x x', which is symmetric. */
    private Tensor iterate(Tensor x, int i) {
      Tensor gram = temporary("a" + i, small, small);
      Tensor square = temporary("aa" + i, small, small);
      Tensor factor = temporary("f" + i, small, small);
      Tensor product = temporary("fx" + i, small, large);
      Tensor next = temporary("x" + i, small, large);
      ops.add(new Op.MatmulForward(gram, x, x, Optional.empty()));
      ops.add(new Op.MatmulForward(square, gram, gram, Optional.empty()));
      ops.add(new MuonOp.WeightedSum(factor, gram, B, square, C));
      ops.add(new Op.MatmulBackwardInput(product, factor, x));
      ops.add(new MuonOp.WeightedSum(next, x, A, product, 1));
      return next;
    }
  }
}
