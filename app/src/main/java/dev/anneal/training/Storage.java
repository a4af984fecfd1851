package dev.anneal.training;

import dev.anneal.device.Device;
import dev.anneal.plan.DType;
import dev.anneal.plan.EightBitProducts;
import dev.anneal.plan.Precision;
import java.util.Optional;

/**
 * How a step's numbers are stored.
 *
 * @param precision of activations
 * @param lossScale how many times too large all gradients are
 * @param weightCopies the format of the copies of the parameters that products read; empty where
 *     they read the parameters themselves
 * @param eightBits what makes products of 8 bits, where there are any
 */
public record Storage(
    Precision precision,
    float lossScale,
    Optional<DType> weightCopies,
    Optional<EightBitProducts> eightBits) {

  /** As {@code device} wants it. */
  public static Storage on(Device device, Precision precision) {
    return new Storage(
        precision, precision.lossScale(), device.weightCopies(precision), precision.eightBits());
  }

  /** Without copies of the parameters. */
  public static Storage of(Precision precision) {
    return new Storage(precision, precision.lossScale(), Optional.empty(), precision.eightBits());
  }
}
