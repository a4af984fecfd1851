package dev.anneal.training;

import dev.anneal.device.Device;
import dev.anneal.plan.DType;
import dev.anneal.plan.Precision;
import java.util.Optional;

/**
 * How a step's numbers are stored.
 *
 * @param precision of activations
 * @param lossScale how many times too large all gradients are
 * @param weightCopies the format of the copies of the parameters that products read; empty where
 *     they read the parameters themselves
 */
public record Storage(Precision precision, float lossScale, Optional<DType> weightCopies) {

  /** As {@code device} wants it. */
  public static Storage on(Device device, Precision precision) {
    return new Storage(precision, precision.lossScale(), device.weightCopies(precision));
  }

  /** Without copies of the parameters. */
  public static Storage of(Precision precision) {
    return new Storage(precision, precision.lossScale(), Optional.empty());
  }
}
