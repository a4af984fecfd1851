package dev.anneal.model;

import dev.anneal.failure.Failure;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.util.Optional;

/**
 * The angles by which rotary embedding turns the pairs of a head's channels: position * theta^(-2i
 * / HS) for pair i, with Llama 3's correction of slow ones for contexts beyond the trained one.
 *
 * <p>Sources: Su et al., "RoFormer", 2021; transformers' {@code _compute_llama3_parameters}.
 */
public record RotaryPositions(double theta, Optional<Scaling> scaling) {
  static final double LLAMA2_THETA = 10_000;
  static final double LLAMA3_THETA = 500_000;

  /** Refuses what no model has. */
  public RotaryPositions {
    if (!(theta > 1 && Double.isFinite(theta))) {
      throw Failure.usage("rope_theta is " + theta + "; expected a number above 1");
    }
  }

  /**
   * Llama 3's correction: pairs that turn less than {@code low} times in the original context are
   * slowed by {@code factor}, those that turn more than {@code high} times are not, and between
   * them it is mixed.
   */
  public record Scaling(double factor, double low, double high, int originalContext) {
    /** Refuses what divides by nothing. */
    public Scaling {
      if (!(factor >= 1 && low > 0 && high > low && originalContext > 0)
          || !Double.isFinite(factor + high)) {
        throw Failure.usage(
            "the scaling of rotary positions has factor %s, low %s, high %s and original context %d; expected a factor from 1 on, 0 < low < high, and a context"
                .formatted(factor, low, high, originalContext));
      }
    }

    private double apply(double frequency) {
      double turns = originalContext * frequency / (2 * Math.PI);
      if (turns < low) {
        return frequency / factor;
      }
      if (turns > high) {
        return frequency;
      }
      double smooth = (turns - low) / (high - low);
      return (1 - smooth) * frequency / factor + smooth * frequency;
    }
  }

  /** The angle per position of pair {@code i} of heads of {@code size} channels, in radians. */
  public double frequency(int i, int size) {
    double frequency = Math.pow(theta, -2.0 * i / size);
    return scaling.map(s -> s.apply(frequency)).orElse(frequency);
  }

  /** Cosines and sines for the positions below {@code length}, as the op that turns takes them. */
  Model.Constant table(int length, int size) {
    Tensor tensor = new Tensor("rotary", DType.F32, Shape.of(length, size), Arena.INPUTS);
    return new Model.Constant(tensor, () -> values(length, size));
  }

  private float[] values(int length, int size) {
    float[] values = new float[Math.multiplyExact(length, size)];
    int half = size / 2;
    for (int i = 0; i < half; i++) {
      double frequency = frequency(i, size);
      for (int position = 0; position < length; position++) {
        values[position * size + i] = (float) Math.cos(position * frequency);
        values[position * size + half + i] = (float) Math.sin(position * frequency);
      }
    }
    return values;
  }
}
