package dev.anneal.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.anneal.device.DeviceInfo;
import dev.anneal.model.Gpt2;
import dev.anneal.model.GptConfig;
import dev.anneal.plan.Precision;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A choice is for what it was measured with. */
class KernelChoicesTest {
  private static final GptConfig WIDE = new GptConfig(2, 12, 768, 1024, 50257);

  private final DeviceInfo device =
      new DeviceInfo("test", 0, "KernelChoicesTest " + System.nanoTime(), "driver 1", 1);

  private static StepOptions step(GptConfig config, int batch, int sequence, Precision precision) {
    return new StepOptions(new Gpt2(config), batch, sequence, precision);
  }

  @Test
  void benchInOneFormatChangesNothingInAnother() {
    StepOptions fp32 = step(WIDE, 4, 1024, Precision.FP32);
    KernelChoices.keep(device, fp32, Map.of("attention_forward", 2));
    assertEquals(Map.of("attention_forward", 2), KernelChoices.of(device, fp32));
    for (Precision other : Precision.values()) {
      if (other != Precision.FP32) {
        assertEquals(Map.of(), KernelChoices.of(device, step(WIDE, 4, 1024, other)), other + "");
      }
    }
  }

  @Test
  void benchOfOneShapeChangesNothingForAnother() {
    StepOptions measured = step(WIDE, 4, 1024, Precision.BF16);
    KernelChoices.keep(device, measured, Map.of("adamw", 1));
    GptConfig oneHead = new GptConfig(2, 6, 768, 1024, 50257);
    GptConfig narrow = new GptConfig(2, 4, 256, 1024, 50257);
    GptConfig fewTokens = new GptConfig(2, 12, 768, 1024, 256);
    for (StepOptions other :
        new StepOptions[] {
          step(WIDE, 64, 1024, Precision.BF16),
          step(WIDE, 4, 64, Precision.BF16),
          step(oneHead, 4, 1024, Precision.BF16),
          step(narrow, 4, 1024, Precision.BF16),
          step(fewTokens, 4, 1024, Precision.BF16)
        }) {
      assertEquals(Map.of(), KernelChoices.of(device, other), KernelChoices.steps(other));
    }
    assertEquals(Map.of("adamw", 1), KernelChoices.of(device, step(WIDE, 3, 1000, Precision.BF16)));
  }

  @Test
  void benchWithOneDriverChangesNothingWithAnother() {
    StepOptions step = step(WIDE, 4, 1024, Precision.BF16);
    KernelChoices.keep(device, step, Map.of("adamw", 1));
    DeviceInfo updated = new DeviceInfo("test", 0, device.name(), "driver 2", 1);
    assertEquals(Map.of(), KernelChoices.of(updated, step));
  }

  @Test
  void choicesOfOtherKernelsStay() {
    StepOptions step = step(WIDE, 4, 1024, Precision.BF16);
    KernelChoices.keep(device, step, Map.of("adamw", 1, "add", 2));
    KernelChoices.keep(device, step, Map.of("adamw", 3));
    assertEquals(Map.of("adamw", 3, "add", 2), KernelChoices.of(device, step));
  }

  @Test
  void aClassSaysWhatItIs() {
    String steps = KernelChoices.steps(step(WIDE, 16, 1024, Precision.BF16));
    assertEquals("bf16, heads of 64, C 1024, T 1024, BT 16384, V 65536", steps);
    assertNotEquals(steps, KernelChoices.steps(step(WIDE, 17, 1024, Precision.BF16)));
  }
}
