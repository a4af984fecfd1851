package dev.anneal.run.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.anneal.checkpoint.ModelFile;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.failure.Failure;
import dev.anneal.generation.SamplingSettings;
import dev.anneal.run.Devices;
import dev.anneal.run.SavedModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A folder of Hugging Face's becomes a run that speaks as PyTorch and llama.cpp have it speak. */
class ImportedFolderTest {
  @TempDir private Path temp;

  private static Path resource(String name) throws Exception {
    return Path.of(ImportedFolderTest.class.getResource(name).toURI());
  }

  /** A folder with the tokenizer of {@code tokens}. */
  private Path folder(String name, String tokens) throws Exception {
    Path folder = Files.createDirectory(temp.resolve("folder"));
    Path from = resource("/huggingface/" + name);
    for (String file : List.of("config.json", "model.safetensors")) {
      Files.copy(from.resolve(file), folder.resolve(file));
    }
    Files.copy(
        resource("/tokenizers/" + tokens + "/tokenizer.json"), folder.resolve("tokenizer.json"));
    return folder;
  }

  private Path imported(Path folder) {
    Path run = temp.resolve("run");
    try (ModelFile source = ModelFiles.open(folder)) {
      ImportedRun.make(source, run);
    }
    return run;
  }

  private static int[] ids(JsonNode array) {
    return IntStream.range(0, array.size()).map(i -> array.get(i).intValue()).toArray();
  }

  @ParameterizedTest
  @CsvSource({"llama-tiny,llama-tiny,1", "gpt2-tiny,gpt2-hf-tiny,0"})
  void theLikeliestTokensAreTheirs(String name, String published, int marks) throws Exception {
    Path run = imported(folder(name, name));
    JsonNode expected =
        new ObjectMapper().readTree(resource("/huggingface/greedy.json").toFile()).path(published);
    assertFalse(expected.isEmpty());
    Checkpoints.Saved saved = SavedRun.checkpoint(run, warning -> {});
    try (Device device = Devices.open("cpu", 0, DeviceOptions.threads(2));
        SavedModel model = SavedModel.load(saved, device)) {
      for (JsonNode each : expected) {
        int[] prompt = ids(each.path("prompt_ids"));
        assertArrayEquals(
            Arrays.copyOfRange(prompt, marks, prompt.length),
            model.tokenizer().encode(each.path("prompt").textValue()));
        List<Integer> drawn = new ArrayList<>();
        model.generator().generate(prompt, 32, new SamplingSettings(0, 0, 1, 0), drawn::add);
        int[] likeliest = drawn.stream().mapToInt(Integer::intValue).toArray();
        assertArrayEquals(ids(each.path("new_ids")), likeliest, each.path("prompt").textValue());
        assertEquals(each.path("new_text").textValue(), model.tokenizer().decode(likeliest));
      }
    }
  }

  @Test
  void aTokenizerWithTokensThatTheModelHasNotIsRefused() throws Exception {
    Path folder = folder("llama-tiny", "llama-tiny");
    Path file = folder.resolve("tokenizer.json");
    String text = Files.readString(file);
    int at = text.indexOf("\"added_tokens\"");
    int bracket = text.indexOf('[', at);
    String more =
        "{\"id\":512,\"content\":\"<|more|>\",\"single_word\":false,\"lstrip\":false,"
            + "\"rstrip\":false,\"normalized\":false,\"special\":true},";
    Files.writeString(file, text.substring(0, bracket + 1) + more + text.substring(bracket + 1));
    String message = assertThrows(Failure.class, () -> imported(folder)).getMessage();
    assertTrue(message.contains("513 tokens, and its model a vocabulary of 512"), message);
    assertTrue(Files.notExists(temp.resolve("run")));
  }
}
