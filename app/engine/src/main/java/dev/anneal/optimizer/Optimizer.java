package dev.anneal.optimizer;

import dev.anneal.model.Parameter;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Optional;

/**
 * How parameters follow their gradients. It says what it remembers of each parameter, which is all
 * that checkpoints, memory bills and tables of tensors go by, and which ops an update has; copies
 * of weights and stochastic rounding follow from these.
 */
public sealed interface Optimizer permits AdamW, Muon {

  /** What it remembers of a parameter from step to step: tensors that are zero before the first. */
  List<Tensor> state(Parameter parameter);

  /** How many numbers it remembers of each number of a parameter, at least. */
  int leastState();

  /** The ops of one update of all parameters, after the global norm of their gradients. */
  List<Op> update(List<Parameter> parameters, Inputs inputs);

  /**
   * What it updates embeddings, norms and biases with; of this one are the two corrections in the
   * schedule, and the largest norm.
   */
  AdamW adamW();

  /**
   * What an update reads besides gradients.
   *
   * @param norm of all gradients, a scalar
   * @param schedule learning rate, 1 - beta1^t, 1 - beta2^t
   * @param random what parameters of 16 bits are rounded with: the seed's halves and the step
   * @param lossScale how many times too large gradients and norm are
   */
  record Inputs(Tensor norm, Tensor schedule, Optional<Tensor> random, float lossScale) {

    /** The random bits of parameter number {@code stream}. */
    Optional<Op.AdamW.Rounding> rounding(int stream) {
      return random.map(tensor -> new Op.AdamW.Rounding(tensor, stream));
    }
  }
}
