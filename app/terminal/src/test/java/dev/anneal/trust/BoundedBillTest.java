package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.model.Gpt2;
import dev.anneal.model.ModelConfig;
import dev.anneal.optimizer.AdamW;
import dev.anneal.optimizer.Muon;
import dev.anneal.optimizer.Optimizer;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.run.Devices;
import dev.anneal.training.MemoryBill;
import dev.anneal.training.MemoryFloor;
import dev.anneal.training.StepRecipe;
import dev.anneal.training.TrainingPlans;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sizes beyond any machine are refused by arithmetic, before anything is built. */
class BoundedBillTest {
  /** Not how fast it is, but that it does not work for minutes. */
  private static final Duration HANG = Duration.ofMinutes(1);

  @TempDir private Path temp;

  private static Outcome promptly(List<String> words) {
    return assertTimeoutPreemptively(HANG, () -> Outcome.of(words));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--layers 1000000000",
        "--channels 1000000",
        "--channels 2147483647 --heads 1",
        "--context 2147483647",
        "--layers 2147483647 --channels 1 --heads 1",
        "--channels 1000000 --layers 1000000 --batch 1000000"
      })
  void impossibleSizesAreRefusedWithWhatTheyTakeAndWhatThereIs(String sizes) {
    for (String command : List.of("train", "plan", "bench", "compare cpu cpu")) {
      if (command.equals("plan") && sizes.startsWith("--context")) {
        continue; // 1 TB of position embeddings is a plan that one can look at.
      }
      List<String> words = new ArrayList<>(List.of(command.split(" ")));
      words.addAll(Arrays.asList(sizes.split(" ")));
      if (command.equals("train")) {
        words.addAll(List.of("--backend", "cpu", "--out", temp.resolve("none").toString()));
        words.addAll(List.of("--data", Outcome.text(temp).toString()));
      }
      String line = promptly(words).refused(1);
      assertTrue(line.matches(".*(takes at least|needs|--layers is) .*(B|has|most).*"), line);
    }
    assertTrue(Files.notExists(temp.resolve("none")));
  }

  @Test
  void moreLayersThanAPlanIsWorthAreRefusedThoughTheyWouldFit() {
    promptly(List.of("plan", "--layers", "100000", "--channels", "1", "--heads", "1"))
        .refused(1, "--layers is 100000", "at most");
  }

  @Test
  void aBatchBeyondTheMachineIsRefused() {
    promptly(List.of(Outcome.tiny(temp, "none", "--batch", "30000000", "--channels", "64")))
        .refused(1, "takes at least", "cpu has");
  }

  @Test
  void theFloorIsNeverAboveTheBill() {
    try (Device device = Devices.open("cpu", 0, DeviceOptions.threads(1))) {
      ModelConfig[] models = {
        new Gpt2.Config(1, 1, 8, 8, 100),
        new Gpt2.Config(3, 2, 32, 64, 256),
        new Gpt2.Config(12, 4, 64, 32, 50257)
      };
      for (ModelConfig model : models) {
        for (Optimizer optimizer :
            List.of(AdamW.defaults(), new Muon(AdamW.defaults(), 1, Muon.MOMENTUM, 0))) {
          for (Recompute recompute : Recompute.values()) {
            for (int batch : new int[] {1, 16}) {
              assertFloorHolds(model, optimizer, recompute, batch, device);
            }
          }
        }
      }
    }
  }

  private static void assertFloorHolds(
      ModelConfig model, Optimizer optimizer, Recompute recompute, int batch, Device device) {
    TrainingPlans plans =
        new StepRecipe(
                model.model(),
                batch,
                model.context(),
                1,
                optimizer,
                recompute,
                Optional.empty(),
                Precision.FP32)
            .on(device);
    double floor =
        MemoryFloor.ofTraining(model, optimizer, batch, model.context(), Precision.FP32).bytes();
    double bill = MemoryBill.of(plans, device).total();
    assertTrue(floor <= bill, model + " " + recompute + ": " + floor + " > " + bill);
  }
}
