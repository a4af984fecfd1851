package dev.anneal.run;

import dev.anneal.device.Device;
import dev.anneal.generation.Decoder;
import dev.anneal.generation.Generator;
import dev.anneal.model.Model;
import dev.anneal.plan.Arena;
import dev.anneal.run.config.RunConfig;
import dev.anneal.training.MemoryBill;
import dev.anneal.training.StepRecipe;
import dev.anneal.training.Trainer;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** A run's model on a device: what trains it and what decodes with it. The device is not closed. */
final class PlacedModel implements AutoCloseable {
  private final Device device;
  private final Model model;
  private final MemoryBill bill;
  private final Trainer trainer;

  /** Versions of kernels that are used because a bench found them to be the fastest. */
  private Map<String, Integer> benched;

  private Optional<Decoder> decoder = Optional.empty();

  /**
   * Takes all memory that training needs.
   *
   * @param seed of what is rounded stochastically
   * @throws dev.anneal.failure.Failure when there is not as much
   */
  PlacedModel(Device device, StepRecipe recipe, long seed) {
    this.device = device;
    this.model = recipe.model();
    StepRecipe.OnDevice chosen = recipe.chosenOn(device);
    this.benched = chosen.benched();
    this.bill = MemoryBill.of(chosen.plans(), device);
    bill.requireFits(device);
    this.trainer = new Trainer(device, chosen.plans(), recipe.optimizer(), seed);
    trainer.keepTimings();
  }

  Device device() {
    return device;
  }

  Trainer trainer() {
    return trainer;
  }

  MemoryBill bill() {
    return bill;
  }

  Map<String, Integer> benched() {
    return Map.copyOf(benched);
  }

  Optional<String> benchedNote() {
    return benched.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "kernels that bench found to be the fastest for such steps: "
                + benched.entrySet().stream()
                    .map(kernel -> kernel.getKey() + "=v" + kernel.getValue())
                    .collect(Collectors.joining(", ")));
  }

  /** Uses other versions of kernels from the next step on; when they do not compile, the former. */
  void chooseKernels(Map<String, Integer> versions) {
    Map<String, Integer> former = device.kernelVersions();
    device.chooseKernels(versions);
    try {
      trainer.compileAgain();
    } catch (RuntimeException e) {
      device.chooseKernels(former);
      throw e;
    }
    benched = new TreeMap<>(benched);
    benched.keySet().removeAll(versions.keySet());
    closeDecoder();
  }

  /** What draws tokens, from the weights as they are. */
  Generator generator(RunConfig config) {
    Decoder decoding =
        decoder.orElseGet(
            () ->
                new Decoder(
                    device,
                    model,
                    trainer.memory(Arena.PARAMETERS),
                    config.trainedLength(),
                    config.precision()));
    decoder = Optional.of(decoding);
    return new Generator(decoding, model.vocabulary());
  }

  private void closeDecoder() {
    decoder.ifPresent(Decoder::close);
    decoder = Optional.empty();
  }

  @Override
  public void close() {
    closeDecoder();
    trainer.close();
  }
}
