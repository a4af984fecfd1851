package dev.anneal.training;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.failure.Failure;
import dev.anneal.model.ModelConfig;
import dev.anneal.optimizer.Optimizer;
import dev.anneal.plan.DType;
import dev.anneal.plan.Precision;
import java.util.Locale;

/**
 * The least memory that a model can do with, by arithmetic alone: so that sizes which are beyond
 * any machine are refused before there is a list of tensors or a plan of them. The real bill is
 * {@link MemoryBill}'s, and never less.
 *
 * @param what the work, to name it
 * @param bytes in floating point, which no size overflows
 */
public record MemoryFloor(String what, ModelConfig model, double bytes) {
  /** More layers than any plan is worth: its tensors would be millions. */
  private static final int MOST_LAYERS = 4096;

  /** What a plan may need that no device here has to hold: more than any machine has. */
  private static final double MOST_BYTES = 16e12;

  /** Weights, gradients, what the optimizer remembers at least, and what enters each block. */
  public static MemoryFloor ofTraining(
      ModelConfig model, Optimizer optimizer, int batch, int sequence, Precision precision) {
    double stored = precision.parameters() == DType.F32 ? 4 : 2;
    double each = precision.storage() == DType.F32 ? 4 : 2;
    double entering = each * batch * sequence * model.channels() * model.layers();
    return new MemoryFloor(
        "a training step",
        model,
        model.parameters() * (stored + (1 + optimizer.leastState()) * 4) + entering);
  }

  /** Weights in fp32. */
  public static MemoryFloor ofWeights(ModelConfig model) {
    return new MemoryFloor("the model", model, 4 * model.parameters());
  }

  /**
   * Refuses what {@code device} has no room for.
   *
   * @throws Failure saying what it takes and what there is
   */
  public MemoryFloor requireFits(Device device) {
    double available = device.info().memoryBytes();
    if (bytes > available) {
      DeviceInfo info = device.info();
      throw refusal(info.backend() + " has " + amount(available) + " " + info.memoryWord());
    }
    return requirePossible();
  }

  /**
   * Refuses what no machine has room for.
   *
   * @throws Failure saying what it takes
   */
  public MemoryFloor requirePossible() {
    if (bytes > MOST_BYTES) {
      throw refusal("no machine has more than " + amount(MOST_BYTES));
    }
    if (model.layers() > MOST_LAYERS) {
      throw Failure.failed(
          setting("layers")
              + " is "
              + model.layers()
              + ", whose plan would have millions of tensors; expected at most "
              + MOST_LAYERS);
    }
    return this;
  }

  private Failure refusal(String available) {
    return Failure.failed(
        String.format(
            Locale.ROOT,
            "%s of %d layers, %d channels, context %d and vocabulary %d takes at least %s, and %s;"
                + " lower "
                + setting("layers")
                + ", "
                + setting("channels")
                + ", "
                + setting("context")
                + ", "
                + setting("batch")
                + " or "
                + setting("seq"),
            what,
            model.layers(),
            model.channels(),
            model.context(),
            model.vocabulary(),
            amount(bytes),
            available));
  }

  private static String amount(double bytes) {
    return bytes < 1e12
        ? String.format(Locale.ROOT, "%.2f GB", bytes / 1e9)
        : bytes < 1e15
            ? String.format(Locale.ROOT, "%.1f TB", bytes / 1e12)
            : String.format(Locale.ROOT, "%.3g TB", bytes / 1e12);
  }
}
