package dev.anneal.training;

import dev.anneal.device.Device;
import dev.anneal.failure.Failure;
import dev.anneal.plan.DType;
import dev.anneal.plan.EightBitProducts;
import dev.anneal.plan.Precision;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

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
  static Storage on(Device device, Precision precision) {
    return new Storage(
        precision,
        precision.lossScale(),
        device.weightCopies(precision),
        device.eightBits(precision));
  }

  /**
   * Of each device, for plans of the same ops. The first one, the reference, has fp32 where it does
   * not have {@code wanted}. Where one has copies of the parameters all have; those that need none
   * have them in fp32.
   *
   * @throws Failure when devices have different formats of 8 bits
   */
  static List<Storage> together(Precision wanted, List<Device> devices) {
    List<EightBitProducts> formats =
        devices.stream()
            .filter(device -> device.precisions().contains(wanted))
            .flatMap(device -> device.eightBits(wanted).stream())
            .distinct()
            .toList();
    if (formats.size() > 1) {
      throw Failure.usage(
          "the devices have different formats of 8 bits: "
              + formats.stream().map(e -> e.values().name()).collect(Collectors.joining(" and "))
              + "; compare those that have the same");
    }
    List<Storage> own = new ArrayList<>();
    for (Device device : devices) {
      boolean reference = own.isEmpty();
      Precision precision =
          reference && !device.precisions().contains(wanted) ? Precision.FP32 : wanted;
      own.add(
          new Storage(
              precision,
              wanted.lossScale(),
              device.weightCopies(precision),
              precision == wanted
                  ? device.eightBits(wanted)
                  : formats.stream().findFirst().map(EightBitProducts::unstored)));
    }
    if (own.stream().allMatch(storage -> storage.weightCopies().isEmpty())) {
      return own;
    }
    return own.stream()
        .map(
            storage ->
                new Storage(
                    storage.precision(),
                    storage.lossScale(),
                    Optional.of(storage.weightCopies().orElse(DType.F32)),
                    storage.eightBits()))
        .toList();
  }
}
