package dev.anneal.training;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.device.Device;
import dev.anneal.failure.Failure;
import dev.anneal.plan.Arena;
import dev.anneal.plan.Precision;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What training will allocate on a device, known before it does.
 *
 * @param arenas bytes of each arena
 * @param workspace the device's scratch for all of the plans
 */
public record MemoryBill(Map<Arena, Long> arenas, long workspace) {

  /**
   * Refuses a precision that the device does not have.
   *
   * @throws Failure saying which ones it can
   */
  public static void requireSupported(Precision precision, Device device) {
    if (!device.precisions().contains(precision)) {
      throw Failure.usage(
          setting("dtype")
              + " "
              + name(precision)
              + ": "
              + device.info().backend()
              + " has "
              + device.precisions().stream()
                  .sorted()
                  .map(MemoryBill::name)
                  .collect(Collectors.joining(", "))
              + "; choose one of these or another backend");
    }
  }

  private static String name(Precision precision) {
    return precision.name().toLowerCase(Locale.ROOT);
  }

  public static MemoryBill of(TrainingPlans plans, Device device) {
    return new MemoryBill(
        plans.bytes(), device.workspaceBytes(StepPlans.of(plans, device).all(plans)));
  }

  public long total() {
    return arenas.values().stream().mapToLong(Long::longValue).sum() + workspace;
  }

  /**
   * Refuses what cannot fit, before anything is allocated.
   *
   * @throws Failure saying what is needed, what there is and what to lower
   */
  public void requireFits(Device device) {
    long available = device.info().memoryBytes();
    if (total() > available) {
      throw Failure.failed(
          String.format(
              Locale.ROOT,
              "training needs %s (%s of it activations) and %s has %s %s; lower "
                  + setting("batch")
                  + " or "
                  + setting("seq")
                  + ","
                  + " recompute with "
                  + setting("recompute")
                  + " block, or choose a smaller model",
              gigabytes(total()),
              gigabytes(arenas.getOrDefault(Arena.ACTIVATIONS, 0L)),
              device.info().backend(),
              gigabytes(available),
              device.info().memoryWord()));
    }
  }

  private static String gigabytes(long bytes) {
    return String.format(Locale.ROOT, "%.2f GB", bytes / 1e9);
  }
}
