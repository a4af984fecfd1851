package dev.anneal.huggingface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.anneal.cpu.CpuBackend;
import dev.anneal.device.Availability;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.eval.Verification;
import dev.anneal.eval.VerificationRecipe;
import dev.anneal.failure.Failure;
import dev.anneal.plan.Precision;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Folders of both families against what PyTorch, on which Hugging Face's own code agrees, makes of
 * them in double precision: each wrong variant of rotary positions, shared heads, gates or epsilons
 * would move logits by 0.01 or more.
 */
class HubReferenceTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String STATE = "reference.safetensors";

  @TempDir private Path temp;
  private static Device device;

  @BeforeAll
  static void open() {
    CpuBackend backend = new CpuBackend();
    device =
        backend.open(
            ((Availability.Available) backend.probe()).devices().getFirst(),
            DeviceOptions.defaults());
  }

  @AfterAll
  static void close() {
    device.close();
  }

  private static Path folder(String name) throws Exception {
    return Path.of(
            HubReferenceTest.class.getResource("/huggingface/" + name + "/config.json").toURI())
        .getParent();
  }

  private static Verification verify(
      Path folder, Path state, VerificationRecipe recipe, int steps) {
    try (HubFolder model = HubFolder.open(folder);
        HubReference expected = HubReference.open(state, model)) {
      return Verification.run(device, Precision.FP32, model, expected, recipe, steps, recipe.lr());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "gpt2-tiny,PLAIN,28",
    "gpt2-tiny,RECIPE,28",
    "llama-tiny,PLAIN,14",
    "llama-tiny,RECIPE,14",
    "llama-tiny-bf16-sharded,RECIPE,0"
  })
  void logitsGradientsAndTenLossesArePyTorchs(String name, VerificationRecipe recipe, int gradients)
      throws Exception {
    Path folder = folder(name);
    Verification result = verify(folder, folder.resolve(STATE), recipe, 10);
    assertTrue(result.within(1e-5), result.toString());
    assertEquals(gradients, result.gradients().size());
    JsonNode losses =
        JSON.readTree(folder.resolve("expected.json").toFile())
            .path("adamw")
            .path(recipe.name().toLowerCase(Locale.ROOT))
            .path("losses");
    assertEquals(10, losses.size());
    for (int i = 0; i < 10; i++) {
      assertEquals(losses.get(i).doubleValue(), result.losses().get(i), 1e-5, "step " + i);
    }
  }

  /** The configurations as other versions of transformers write them, of the same weights. */
  @ParameterizedTest
  @CsvSource({
    "llama-tiny,llama-tiny.minimal.json",
    "llama-tiny,llama-tiny.transformers5.json",
    "llama-tiny-rope-scaled,config.json",
    "llama-tiny-rope-scaled,llama-tiny-rope-scaled.old-keys.json",
    "llama-tiny-rope-scaled,llama-tiny-rope-scaled.transformers5.json"
  })
  void everyDialectOfAConfigurationIsTheSameModel(String name, String config) throws Exception {
    Path folder = folder(name);
    Path weights = folder("llama-tiny").resolve(HubShards.WEIGHTS);
    Files.copy(weights, temp.resolve(HubShards.WEIGHTS), StandardCopyOption.REPLACE_EXISTING);
    Files.copy(
        config.equals(HubFolder.CONFIG)
            ? folder.resolve(config)
            : folder.resolveSibling("config-variants").resolve(config),
        temp.resolve(HubFolder.CONFIG));
    Verification result = verify(temp, folder.resolve(STATE), VerificationRecipe.PLAIN, 0);
    assertTrue(result.within(1e-5), result.toString());
  }

  @ParameterizedTest
  @CsvSource({
    "'\"num_key_value_heads\": 2','\"num_key_value_heads\": 3','a divisor of num_attention_heads'",
    "'\"head_dim\": 16','\"head_dim\": 15','head_dim is 15; expected an even number'",
    "'\"hidden_act\": \"silu\"','\"hidden_act\": \"gelu\"','hidden_act is \"gelu\"'",
    "'\"attention_bias\": false','\"attention_bias\": true','attention_bias is true; expected"
        + " false'",
    "'\"rope_scaling\": null','\"rope_scaling\": {\"rope_type\": \"yarn\"}','rope_scaling.rope_type"
        + " is \"yarn\"'",
    "'\"rope_scaling\": null','\"rope_scaling\": {\"rope_type\":"
        + " \"llama3\"}','rope_scaling.low_freq_factor is missing'",
    "'\"rope_theta\": 500000.0','\"rope_theta\": 0.5','rope_theta is 0.5; expected a number above"
        + " 1'",
    "'\"rms_norm_eps\": 1e-05','\"rms_norm_eps\": -1','rms_norm_eps is -1; expected a number above"
        + " 0'",
    "'\"tie_word_embeddings\": true','\"tie_word_embeddings\": false','has no tensor"
        + " lm_head.weight'",
    "'\"hidden_size\": 64','\"hidden_size\": 999999999999','hidden_size is 999999999999; expected a"
        + " whole'",
    "'\"vocab_size\": 512','\"vocab_size\": 511','has the shape [512, 64]; expected [511, 64]'"
  })
  void aConfigurationThatIsNotLlamasIsRefusedByField(String from, String to, String why)
      throws Exception {
    Path folder = folder("llama-tiny");
    Files.copy(folder.resolve(HubShards.WEIGHTS), temp.resolve(HubShards.WEIGHTS));
    String config = Files.readString(folder.resolve(HubFolder.CONFIG));
    assertTrue(config.contains(from));
    Files.writeString(temp.resolve(HubFolder.CONFIG), config.replace(from, to));
    String message = assertThrows(Failure.class, () -> HubFolder.open(temp)).getMessage();
    assertTrue(message.contains(why), message);
  }

  @Test
  void aReferenceOfAnotherModelIsRefused() throws Exception {
    try (HubFolder model = HubFolder.open(folder("llama-tiny"))) {
      Path other = folder("gpt2-tiny").resolve(STATE);
      String message =
          assertThrows(Failure.class, () -> HubReference.open(other, model)).getMessage();
      assertTrue(message.contains("not one of each parameter"), message);
    }
  }
}
