package dev.anneal.optimizer;

import dev.anneal.model.Parameter;
import dev.anneal.plan.Arena;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;
import java.util.ArrayList;
import java.util.List;

/**
 * AdamW; defaults as in llm.c. Source: Loshchilov, Hutter, "Decoupled Weight Decay Regularization",
 * 2019.
 *
 * @param decay what weight decay applies to
 * @param maxNorm gradients are scaled down to this global norm; infinity for no clipping
 */
public record AdamW(
    float beta1, float beta2, float epsilon, float weightDecay, Decay decay, float maxNorm)
    implements Optimizer {

  /** Which parameters weight decay pulls towards zero. */
  public enum Decay {
    MATRICES,
    ALL
  }

  public AdamW {
    Setting.BETA1.real(Written.OPTION, beta1);
    Setting.BETA2.real(Written.OPTION, beta2);
    Setting.EPSILON.real(Written.OPTION, epsilon);
    Setting.WEIGHT_DECAY.real(Written.OPTION, weightDecay);
    if (maxNorm != Float.POSITIVE_INFINITY) {
      Setting.CLIP.real(Written.OPTION, maxNorm);
    }
  }

  public static AdamW defaults() {
    return new AdamW(0.9f, 0.95f, 1e-8f, 0.0f, Decay.MATRICES, 1.0f);
  }

  public AdamW withWeightDecay(float other) {
    return new AdamW(beta1, beta2, epsilon, other, decay, maxNorm);
  }

  @Override
  public AdamW adamW() {
    return this;
  }

  /** The mean of a parameter's gradients, and of their squares. */
  @Override
  public List<Tensor> state(Parameter parameter) {
    return List.of(m(parameter), v(parameter));
  }

  @Override
  public int leastState() {
    return 2;
  }

  private static Tensor m(Parameter parameter) {
    return parameter.tensor().like("m." + parameter.name(), Arena.OPTIMIZER);
  }

  private static Tensor v(Parameter parameter) {
    return parameter.tensor().like("v." + parameter.name(), Arena.OPTIMIZER);
  }

  @Override
  public List<Op> update(List<Parameter> parameters, Inputs inputs) {
    List<Op> ops = new ArrayList<>();
    for (int i = 0; i < parameters.size(); i++) {
      ops.add(update(parameters.get(i), i, inputs));
    }
    return List.copyOf(ops);
  }

  /** The update of parameter number {@code stream}. */
  Op update(Parameter parameter, int stream, Inputs inputs) {
    boolean decays = decay == Decay.ALL || parameter.tensor().role().decays();
    Op.AdamW op =
        new Op.AdamW(
            parameter.tensor(),
            m(parameter),
            v(parameter),
            parameter.gradient(),
            inputs.norm(),
            inputs.schedule(),
            beta1,
            beta2,
            inputs.lossScale() * epsilon,
            decays ? weightDecay : 0,
            inputs.lossScale() * maxNorm);
    return inputs.rounding(stream).map(op::with).orElse(op);
  }
}
