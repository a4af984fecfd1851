package dev.anneal.huggingface;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.anneal.checkpoint.DurableFile;
import dev.anneal.checkpoint.FileWriter;
import dev.anneal.checkpoint.Safetensors;
import dev.anneal.checkpoint.SafetensorsEntry;
import dev.anneal.checkpoint.SafetensorsType;
import dev.anneal.failure.Failure;
import dev.anneal.model.Gpt2;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A folder as others write it is the model that they say it is, and one that is not is refused. */
class HubFolderTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String PREFIX = "transformer.";
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  @TempDir private Path temp;

  private static Path original() throws Exception {
    return Path.of(HubFolderTest.class.getResource("/huggingface/gpt2-tiny/config.json").toURI())
        .getParent();
  }

  @BeforeEach
  void copyTheConfiguration() throws Exception {
    Files.copy(original().resolve(HubFolder.CONFIG), temp.resolve(HubFolder.CONFIG));
  }

  /** A tensor of the original, under another name or in another form. */
  private record Copied(String name, SafetensorsType type, List<Long> shape, byte[] bytes) {
    Safetensors.Content content() {
      return new Safetensors.Content(
          name,
          type,
          shape,
          (from, chunk) ->
              chunk.copyFrom(MemorySegment.ofArray(bytes).asSlice(from, chunk.byteSize())));
    }
  }

  private static List<Copied> tensors() throws Exception {
    List<Copied> copied = new ArrayList<>();
    try (Safetensors file = Safetensors.open(original().resolve(HubShards.WEIGHTS))) {
      for (SafetensorsEntry entry : file.tensors().values()) {
        byte[] bytes = new byte[(int) entry.bytes()];
        file.read(entry, 0, MemorySegment.ofArray(bytes));
        copied.add(new Copied(entry.name(), entry.type(), entry.shape(), bytes));
      }
    }
    return copied;
  }

  private void write(String name, List<Copied> tensors) {
    DurableFile.write(
        temp.resolve(name),
        Safetensors.writer(Map.of("format", "pt"), tensors.stream().map(Copied::content).toList()));
  }

  private void writeJson(String name, String json) throws IOException {
    Files.writeString(temp.resolve(name), json);
  }

  private static float[] weights(Path folder, String parameter, int elements) {
    float[] floats = new float[elements];
    MemorySegment segment = MemorySegment.ofArray(new byte[4 * elements]);
    try (HubFolder opened = HubFolder.open(folder)) {
      opened.read(parameter, 0, segment);
    }
    for (int i = 0; i < elements; i++) {
      floats[i] = segment.get(FLOAT, 4L * i);
    }
    return floats;
  }

  private String refused() {
    return assertThrows(Failure.class, () -> HubFolder.open(temp)).getMessage();
  }

  @Test
  void whatIsWrittenWithAPrefixAndItsHeadIsTheSame() throws Exception {
    List<Copied> named = new ArrayList<>();
    for (Copied tensor : tensors()) {
      named.add(new Copied(PREFIX + tensor.name, tensor.type, tensor.shape, tensor.bytes));
      if (tensor.name.equals("wte.weight")) {
        named.add(new Copied("lm_head.weight", tensor.type, tensor.shape, tensor.bytes));
      }
    }
    write(HubShards.WEIGHTS, named);
    for (String parameter : List.of("wte.weight", "h.1.mlp.c_fc.weight")) {
      assertArrayEquals(
          weights(original(), parameter, 16384), weights(temp, parameter, 16384), parameter);
    }
  }

  @Test
  void aHeadOfItsOwnIsRefused() throws Exception {
    List<Copied> all = new ArrayList<>(tensors());
    Copied wte = all.stream().filter(t -> t.name.equals("wte.weight")).findFirst().orElseThrow();
    byte[] other = wte.bytes.clone();
    other[other.length - 1] ^= 1;
    all.add(new Copied("lm_head.weight", wte.type, wte.shape, other));
    write(HubShards.WEIGHTS, all);
    assertTrue(refused().contains("lm_head.weight differs from wte.weight"), refused());
  }

  @Test
  void shardsAreReadThroughTheirIndex() throws Exception {
    List<Copied> all = tensors();
    write("model-00001-of-00002.safetensors", all.subList(0, 13));
    write("model-00002-of-00002.safetensors", all.subList(13, all.size()));
    StringBuilder map = new StringBuilder();
    for (int i = 0; i < all.size(); i++) {
      map.append(
          "%s\"%s\":\"model-0000%d-of-00002.safetensors\""
              .formatted(i == 0 ? "" : ",", all.get(i).name, i < 13 ? 1 : 2));
    }
    writeJson(HubShards.INDEX, "{\"metadata\":{\"total_size\":1},\"weight_map\":{" + map + "}}");
    for (String parameter : List.of("wte.weight", "h.0.attn.c_attn.weight", "ln_f.bias")) {
      assertArrayEquals(weights(original(), parameter, 64), weights(temp, parameter, 64));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void narrowWeightsAreWidenedExactly(FloatFormat format) throws Exception {
    List<Copied> narrow = new ArrayList<>();
    for (Copied tensor : tensors()) {
      int n = tensor.bytes.length / 4;
      byte[] bytes = new byte[n * 2];
      for (int i = 0; i < n; i++) {
        float value = MemorySegment.ofArray(tensor.bytes).get(FLOAT, 4L * i);
        MemorySegment.ofArray(bytes)
            .set(
                ValueLayout.JAVA_SHORT_UNALIGNED,
                2L * i,
                format == FloatFormat.F16
                    ? Float.floatToFloat16(value)
                    : (short) (bfloat16(value) >>> 16));
      }
      narrow.add(new Copied(tensor.name, format.type(), tensor.shape, bytes));
    }
    write(HubShards.WEIGHTS, narrow);
    float[] exact = weights(original(), "wte.weight", 1000);
    float[] read = weights(temp, "wte.weight", 1000);
    for (int i = 0; i < exact.length; i++) {
      float expected =
          format == FloatFormat.F16
              ? Float.float16ToFloat(Float.floatToFloat16(exact[i]))
              : Float.intBitsToFloat(bfloat16(exact[i]));
      assertEquals(expected, read[i], "element " + i);
    }
  }

  /** The bits of the nearest bfloat16, ties to even, as a float's. */
  private static int bfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    return (bits + 0x7fff + (bits >>> 16 & 1)) & 0xffff0000;
  }

  @Test
  void theVocabularyIsPaddedWithZeros() throws Exception {
    writeJson(
        HubFolder.CONFIG,
        Files.readString(original().resolve(HubFolder.CONFIG))
            .replace("\"vocab_size\": 512", "\"vocab_size\": 500"));
    write(
        HubShards.WEIGHTS,
        mapped(
            tensor ->
                tensor.name.equals("wte.weight")
                    ? new Copied(
                        tensor.name,
                        tensor.type,
                        List.of(500L, 64L),
                        java.util.Arrays.copyOf(tensor.bytes, 500 * 64 * 4))
                    : tensor));
    float[] padded = weights(temp, "wte.weight", 512 * 64);
    assertArrayEquals(
        weights(original(), "wte.weight", 500 * 64), java.util.Arrays.copyOf(padded, 500 * 64));
    for (int i = 500 * 64; i < padded.length; i++) {
      assertEquals(0, padded[i]);
    }
  }

  private static List<Copied> mapped(UnaryOperator<Copied> change) throws Exception {
    return tensors().stream().map(change).toList();
  }

  private static List<Copied> without(Predicate<String> dropped) throws Exception {
    return tensors().stream().filter(t -> !dropped.test(t.name)).toList();
  }

  @Test
  void aTensorThatIsMissingIsNamed() throws Exception {
    write(HubShards.WEIGHTS, without("h.1.ln_2.bias"::equals));
    assertTrue(refused().endsWith("has no tensor h.1.ln_2.bias"), refused());
  }

  @Test
  void aTensorTooManyIsNamed() throws Exception {
    List<Copied> more = new ArrayList<>(tensors());
    more.add(new Copied("h.2.ln_1.bias", SafetensorsType.F32, List.of(1L), new byte[4]));
    write(HubShards.WEIGHTS, more);
    assertTrue(refused().contains("has a tensor h.2.ln_1.bias"), refused());
  }

  @Test
  void aTensorOfAnotherShapeOrTypeIsNamed() throws Exception {
    write(
        HubShards.WEIGHTS,
        mapped(
            t ->
                t.name.equals("h.0.attn.c_attn.weight")
                    ? new Copied(t.name, t.type, List.of(192L, 64L), t.bytes)
                    : t));
    assertTrue(refused().contains("has the shape [192, 64]; expected [64, 192]"), refused());
    write(
        HubShards.WEIGHTS,
        mapped(
            t ->
                t.name.equals("ln_f.bias")
                    ? new Copied(t.name, SafetensorsType.I32, t.shape, t.bytes)
                    : t));
    assertTrue(refused().contains("ln_f.bias is I32; expected F32, F16 or BF16"), refused());
  }

  @ParameterizedTest
  @CsvSource({
    "'\"n_layer\": 2','\"n_layer\": 2000000000','too few for the 2000000000 blocks'",
    "'\"n_layer\": 2','\"n_layer\": -2','n_layer is -2; expected a whole number from 1'",
    "'\"n_layer\": 2','\"n_layer\": 2, \"n_layer\": 3','no valid JSON'",
    "'\"n_head\": 4','\"n_head\": 5','n_head is 5; expected a divisor of n_embd'",
    "'\"n_embd\": 64','\"n_inner\": 100, \"n_embd\": 64','n_inner is 100; expected four times'",
    "'gelu_new','relu','activation_function is \"relu\"; expected gelu_new'",
    "'1e-05','1e-06','layer_norm_epsilon is 1.0E-6; expected 1.0E-5'",
    "'\"vocab_size\": 512','\"vocab_size\": \"512\"','vocab_size is \"512\"; expected a whole'",
    "'\"model_type\": \"gpt2\"','\"model_type\": \"bert\"','model_type is \"bert\"; expected one"
        + " of'",
    "'\"n_ctx\": 128','\"scale_attn_weights\": false','scale_attn_weights is false; expected true'",
  })
  void aConfigurationThatIsNotGpt2sIsRefusedByField(String from, String to, String why)
      throws Exception {
    write(HubShards.WEIGHTS, tensors());
    String config = Files.readString(original().resolve(HubFolder.CONFIG));
    assertTrue(config.contains(from));
    writeJson(HubFolder.CONFIG, config.replace(from, to));
    assertTrue(refused().contains(why), refused());
    assertTrue(refused().contains(HubFolder.CONFIG), refused());
  }

  @ParameterizedTest
  @CsvSource({
    "../secret.safetensors",
    "/etc/passwd",
    "a/b.safetensors",
    "..",
    "a\\b.safetensors",
    "x.bin"
  })
  void anIndexNamesFilesOfItsFolderAlone(String name) throws Exception {
    writeJson(
        HubShards.INDEX, JSON.writeValueAsString(Map.of("weight_map", Map.of("wte.weight", name))));
    assertTrue(refused().contains("expected the name of a .safetensors file"), refused());
  }

  @Test
  void anIndexThatIsWrongIsSaid() throws Exception {
    write("a.safetensors", without("wte.weight"::equals));
    writeJson(HubShards.INDEX, "{\"weight_map\":{\"wte.weight\":\"a.safetensors\"}}");
    assertTrue(refused().contains("has no tensor wte.weight, which"), refused());
    writeJson(HubShards.INDEX, "{\"weight_map\":{\"wte.weight\":\"b.safetensors\"}}");
    assertTrue(refused().contains("b.safetensors does not exist"), refused());
    writeJson(HubShards.INDEX, "{\"weight_map\":7}");
    assertTrue(refused().contains("weight_map is 7; expected an object"), refused());
  }

  @Test
  void aFolderWithoutWeightsOrWithAPickleIsSaid() throws Exception {
    assertTrue(refused().contains("has no model.safetensors"), refused());
    writeJson("pytorch_model.bin", "");
    assertTrue(refused().contains("a Python pickle, which runs code"), refused());
  }

  @Test
  void deepJsonEndsInALine() throws Exception {
    writeJson(HubFolder.CONFIG, "[".repeat(100_000));
    assertTrue(refused().contains("no valid JSON"), refused());
    DurableFile.write(temp.resolve(HubFolder.CONFIG), FileWriter.of(new byte[0]));
    assertTrue(refused().contains("no JSON object"), refused());
  }

  @Test
  void aReferenceOfAnotherModelIsRefused() throws Exception {
    Path state = temp.resolve("state.safetensors");
    List<Copied> few = List.of(new Copied("loss", SafetensorsType.F32, List.of(), new byte[4]));
    DurableFile.write(
        state, Safetensors.writer(Map.of(), few.stream().map(Copied::content).toList()));
    try (HubFolder model = HubFolder.open(original())) {
      Failure failure = assertThrows(Failure.class, () -> HubReference.open(state, model));
      assertTrue(failure.getMessage().contains("has no tensor input_ids"), failure.getMessage());
    }
  }

  @Test
  void sizesAreThoseOfTheConfiguration() throws Exception {
    try (HubFolder model = HubFolder.open(original())) {
      assertEquals(new Gpt2.Config(2, 4, 64, 128, 512), model.config());
      assertEquals(Optional.of(FloatFormat.F32), FloatFormat.of(model.type()));
    }
  }
}
