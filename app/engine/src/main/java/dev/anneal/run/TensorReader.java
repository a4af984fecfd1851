package dev.anneal.run;

import dev.anneal.failure.Failure;
import dev.anneal.plan.Arena;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Tensor;
import dev.anneal.setting.Nearest;
import dev.anneal.training.Trainer;
import java.util.List;
import java.util.Optional;

/**
 * Reads the tensors of a run by name.
 *
 * @param nextBatch of the next update, on which activations are computed again
 */
record TensorReader(Trainer trainer, Trainer.Batches batches, long nextBatch) {

  /** Every tensor, in order of first use. */
  List<Tensor> tensors() {
    return trainer.plans().step().tensors();
  }

  /**
   * Looks at a tensor. An activation, or the gradient of one, is computed again; all others are as
   * the last update left them.
   *
   * @param slice empty for a corner
   */
  Inspection inspect(String name, Optional<String> slice) {
    Tensor tensor =
        tensors().stream()
            .filter(t -> t.name().equals(name))
            .findFirst()
            .orElseThrow(() -> missing(name));
    Slice part =
        slice
            .map(text -> Slice.parse(text, tensor.shape()))
            .orElseGet(() -> Slice.corner(tensor.shape()));
    Plan plan = trainer.plans().step();
    if (tensor.arena() == Arena.ACTIVATIONS) {
      Plan first = trainer.plans().microSteps().getFirst();
      if (first.tensors().contains(tensor)) {
        trainer.computeAgain(tensor, batches, nextBatch);
        plan = first;
      }
    }
    Plan from = plan;
    return Inspection.of(tensor, part, (offset, into) -> trainer.read(from, tensor, offset, into));
  }

  private Failure missing(String name) {
    List<String> names = tensors().stream().map(Tensor::name).toList();
    String near =
        names.stream()
            .filter(other -> other.contains(name))
            .findFirst()
            .map(other -> "; did you mean " + other + "?")
            .orElseGet(() -> Nearest.to(name, names));
    return Failure.usage("there is no tensor " + name + near + "; 'inspect' alone lists them");
  }
}
