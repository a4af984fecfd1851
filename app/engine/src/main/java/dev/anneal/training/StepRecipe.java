package dev.anneal.training;

import dev.anneal.device.Device;
import dev.anneal.failure.Failure;
import dev.anneal.model.Model;
import dev.anneal.optimizer.AdamW;
import dev.anneal.optimizer.Optimizer;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.plan.Rewrite;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything that the plans of a training step depend on but for a device's own wishes, which
 * {@link #on} asks it for. All plans of steps are made here and by the {@link RewritePipeline}, so
 * that what one command prints, checks or times is what another trains with.
 *
 * @param batch B, sequences per micro-step
 * @param sequence T, tokens per sequence
 * @param microSteps forward and backward passes per update, whose gradients are averaged
 * @param classifierChunks parts of a micro-step's tokens that have logits at once, 0 or 1 for all;
 *     what the device wants when empty
 * @param precision of activations
 */
public record StepRecipe(
    Model model,
    int batch,
    int sequence,
    int microSteps,
    Optimizer optimizer,
    Recompute recompute,
    Optional<Integer> classifierChunks,
    Precision precision) {

  /** One micro-step, updated as by default, and otherwise as the device wants it. */
  public StepRecipe(Model model, int batch, int sequence, Precision precision) {
    this(model, batch, sequence, 1, AdamW.defaults(), Recompute.NONE, Optional.empty(), precision);
  }

  /**
   * The plans for one device.
   *
   * @param benched versions of kernels, by name, that the device takes because a bench chose them
   */
  public record OnDevice(TrainingPlans plans, Map<String, Integer> benched) {}

  /**
   * The plans for one device, with the rewrites, the copies of weights and the formats that it
   * wants. The device takes the versions of kernels that a bench chose for such steps.
   *
   * @throws Failure when it does not have this precision
   */
  public TrainingPlans on(Device device) {
    return chosenOn(device).plans();
  }

  /** The same, and which versions of kernels a bench chose. */
  public OnDevice chosenOn(Device device) {
    MemoryBill.requireSupported(precision, device);
    Map<String, Integer> benched = KernelChoices.prefer(device, this);
    return new OnDevice(plans(device.rewrites(), Storage.on(device, precision)), benched);
  }

  /**
   * The plans for each of some devices that run the same ops, to be compared: with the rewrites
   * that any of them wants. The first one, the reference, has fp32 where it does not have this
   * precision.
   *
   * @throws Failure when another one does not have it
   */
  public List<TrainingPlans> together(List<Device> devices) {
    List<Storage> storages = Storage.together(precision, devices);
    List<Rewrite> wanted =
        devices.stream().flatMap(device -> device.rewrites().stream()).distinct().toList();
    List<TrainingPlans> plans = new ArrayList<>();
    for (int i = 0; i < devices.size(); i++) {
      MemoryBill.requireSupported(storages.get(i).precision(), devices.get(i));
      KernelChoices.prefer(devices.get(i), this);
      plans.add(plans(wanted, storages.get(i)));
    }
    return List.copyOf(plans);
  }

  /** The plans for no device in particular, all in fp32 and with all logits at once. */
  public TrainingPlans asEmitted() {
    return plans(List.of(), new Storage(Precision.FP32, 1, Optional.empty(), Optional.empty()));
  }

  /** The same with other parts of the tokens that have logits at once; 0 for all. */
  public StepRecipe withClassifierChunks(int chunks) {
    return new StepRecipe(
        model, batch, sequence, microSteps, optimizer, recompute, Optional.of(chunks), precision);
  }

  /** The same updated by another optimizer. */
  public StepRecipe with(Optimizer other) {
    return new StepRecipe(
        model, batch, sequence, microSteps, other, recompute, classifierChunks, precision);
  }

  private TrainingPlans plans(List<Rewrite> wanted, Storage storage) {
    return TrainingPlans.of(this, wanted, storage);
  }
}
