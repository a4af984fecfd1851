package dev.anneal.training;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.KernelFamily;
import dev.anneal.model.Gpt2;
import dev.anneal.model.ModelConfig;
import dev.anneal.plan.Op;
import dev.anneal.plan.Precision;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A choice is for what it was measured with. */
class KernelChoicesTest {
  private static final ModelConfig WIDE = new Gpt2.Config(2, 12, 768, 1024, 50257);

  private static final List<KernelFamily> KERNELS =
      List.of(
          KernelFamily.of("adamw", Op.AdamW.class, "plain", "packs", "one launch"),
          KernelFamily.of("add", Op.Add.class, "plain", "packs"),
          KernelFamily.of("attention_forward", Op.AttentionForward.class, "a", "b"));

  private final DeviceInfo device =
      new DeviceInfo("test", 0, "KernelChoicesTest " + System.nanoTime(), "driver 1", 1);

  private static StepRecipe step(ModelConfig config, int batch, int sequence, Precision precision) {
    return new StepRecipe(config.model(), batch, sequence, precision);
  }

  @Test
  void benchInOneFormatChangesNothingInAnother() {
    StepRecipe fp32 = step(WIDE, 4, 1024, Precision.FP32);
    KernelChoices.keep(device, KERNELS, fp32, Map.of("attention_forward", 2));
    assertEquals(Map.of("attention_forward", 2), KernelChoices.of(device, KERNELS, fp32));
    for (Precision other : Precision.values()) {
      if (other != Precision.FP32) {
        assertEquals(
            Map.of(), KernelChoices.of(device, KERNELS, step(WIDE, 4, 1024, other)), other + "");
      }
    }
  }

  @Test
  void benchOfOneShapeChangesNothingForAnother() {
    StepRecipe measured = step(WIDE, 4, 1024, Precision.BF16);
    KernelChoices.keep(device, KERNELS, measured, Map.of("adamw", 1));
    ModelConfig oneHead = new Gpt2.Config(2, 6, 768, 1024, 50257);
    ModelConfig narrow = new Gpt2.Config(2, 4, 256, 1024, 50257);
    ModelConfig fewTokens = new Gpt2.Config(2, 12, 768, 1024, 256);
    for (StepRecipe other :
        new StepRecipe[] {
          step(WIDE, 64, 1024, Precision.BF16),
          step(WIDE, 4, 64, Precision.BF16),
          step(oneHead, 4, 1024, Precision.BF16),
          step(narrow, 4, 1024, Precision.BF16),
          step(fewTokens, 4, 1024, Precision.BF16)
        }) {
      assertEquals(Map.of(), KernelChoices.of(device, KERNELS, other), KernelChoices.steps(other));
    }
    assertEquals(
        Map.of("adamw", 1), KernelChoices.of(device, KERNELS, step(WIDE, 3, 1000, Precision.BF16)));
  }

  @Test
  void benchWithOneDriverChangesNothingWithAnother() {
    StepRecipe step = step(WIDE, 4, 1024, Precision.BF16);
    KernelChoices.keep(device, KERNELS, step, Map.of("adamw", 1));
    DeviceInfo updated = new DeviceInfo("test", 0, device.name(), "driver 2", 1);
    assertEquals(Map.of(), KernelChoices.of(updated, KERNELS, step));
  }

  @Test
  void choicesOfOtherKernelsStay() {
    StepRecipe step = step(WIDE, 4, 1024, Precision.BF16);
    KernelChoices.keep(device, KERNELS, step, Map.of("adamw", 1, "add", 2));
    KernelChoices.keep(device, KERNELS, step, Map.of("adamw", 3));
    assertEquals(Map.of("adamw", 3, "add", 2), KernelChoices.of(device, KERNELS, step));
  }

  /** What was the fastest without a library need not be with it. */
  @Test
  void aChoiceAmongOtherVersionsIsNone() {
    StepRecipe step = step(WIDE, 4, 1024, Precision.BF16);
    KernelChoices.keep(device, KERNELS, step, Map.of("adamw", 1, "add", 1));
    KernelFamily more = KernelFamily.of("add", Op.Add.class, "plain", "packs", "by a library");
    List<KernelFamily> kernels = List.of(KERNELS.getFirst(), more);
    assertEquals(Map.of("adamw", 1), KernelChoices.of(device, kernels, step));
  }

  /** The files of before had no dtype. */
  @Test
  void aFormerFileIsSetAsideWithALine(@TempDir Path temp) {
    CacheDirectory cache = new CacheDirectory(temp);
    byte[] former = "{\"test\":{\"attention_forward\":2}}".getBytes(UTF_8);
    assertTrue(cache.write("kernels.json", former));
    String line = KernelChoices.putAside(cache).orElseThrow();
    assertTrue(line.contains("kernels.json") && line.lines().count() == 1, line);
    assertEquals(Optional.empty(), cache.read("kernels.json"));
    assertArrayEquals(former, cache.read("kernels.json.old").orElseThrow());
    assertEquals(Optional.empty(), KernelChoices.putAside(cache));
  }

  @Test
  void aDamagedFileIsSetAsideWithALine(@TempDir Path temp) {
    CacheDirectory cache = new CacheDirectory(temp);
    assertTrue(cache.write("kernel-choices.json", "{\"test".getBytes(UTF_8)));
    assertTrue(KernelChoices.putAside(cache).orElseThrow().contains("is damaged"));
    assertEquals(Optional.empty(), cache.read("kernel-choices.json"));
    assertTrue(cache.write("kernel-choices.json", "{}".getBytes(UTF_8)));
    assertEquals(Optional.empty(), KernelChoices.putAside(cache));
  }

  @Test
  void aClassSaysWhatItIs() {
    String steps = KernelChoices.steps(step(WIDE, 16, 1024, Precision.BF16));
    assertEquals("bf16, heads of 64, C 1024, T 1024, BT 16384, V 65536", steps);
    assertNotEquals(steps, KernelChoices.steps(step(WIDE, 17, 1024, Precision.BF16)));
  }
}
