package dev.anneal.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.eval.DeviceOnCpu;
import dev.anneal.failure.Failure;
import dev.anneal.model.Gpt2;
import dev.anneal.plan.Precision;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A device that is not waited for is given the next batch while it works. */
class StagedInputsTest {
  private final List<Long> read = new ArrayList<>();

  private static Device asynchronous() {
    return new DeviceOnCpu(DeviceOptions.threads(1)) {
      @Override
      public boolean isAsynchronous() {
        return true;
      }
    };
  }

  /** All batches are good but the one with index {@code bad}. */
  private void train(long bad, int steps) {
    StepRecipe options =
        new StepRecipe(new Gpt2.Config(1, 1, 8, 8, 16).model(), 1, 8, Precision.FP32);
    try (Device device = asynchronous();
        Trainer trainer = new Trainer(device, options.on(device), options.optimizer())) {
      Initialization.initialize(trainer, options.model(), 1);
      Trainer.Batches batches =
          (index, tokens, targets) -> {
            read.add(index);
            if (index == bad) {
              throw Failure.failed("batch " + index + " has a bad token");
            }
            for (int i = 0; i < tokens.length; i++) {
              tokens[i] = (int) (index + i) % 16;
              targets[i] = (int) (index + i + 1) % 16;
            }
          };
      for (int step = 1; step <= steps; step++) {
        trainer.step(batches, step - 1, step, 1e-3);
        assertTrue(trainer.isIntact());
      }
    }
  }

  @Test
  void everyBatchIsReadOnce() {
    train(-1, 4);
    assertEquals(List.of(0L, 1L, 2L, 3L, 4L), read);
  }

  /** Batch 3 is read while step 3 is under way, with batch 2: that step is made. */
  @Test
  void aBadBatchFailsTheStepThatNeedsIt() {
    train(3, 3);
    Failure failure = assertThrows(Failure.class, () -> train(3, 4));
    assertEquals("batch 3 has a bad token", failure.getMessage());
  }
}
