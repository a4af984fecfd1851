package dev.anneal.style;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * A tensor's name is its model's own: what it is, its role and its block say. A model with other
 * names would otherwise go without recomputation or 8 bits, and nobody would be told.
 */
class TensorNamesTest {
  private static final Path ROOT = Path.of("../..").toAbsolutePath().normalize();

  /** How GPT-2's tensors are called, in text. */
  private static final Pattern NAME =
      Pattern.compile(
          "\"(d\\.)?h\\.|w[tp]e\\.weight|\\bln_[12f]|c_attn|c_proj|c_fc|lm_head|\"\\.(weight|bias)\"");

  /** Asking a name for more than which one it is. */
  private static final Pattern QUESTION =
      Pattern.compile("name\\(\\)\\s*\\.(startsWith|endsWith|contains|matches|indexOf|split)\\(");

  /** What a model is, how its files call it, and examples for users. */
  private static final List<String> MAY_KNOW =
      List.of(
          "model/Gpt2.java",
          "model/Llama.java",
          "huggingface/HubGpt2.java",
          "huggingface/HubValues.java",
          "checkpoint/LlmcLayout.java",
          "command/InspectCommand.java",
          "anneal/Anneal.java");

  private static List<Path> sources(String folder) throws IOException {
    try (Stream<Path> files = Files.walk(ROOT.resolve(folder))) {
      return files
          .filter(file -> file.toString().endsWith(".java"))
          .filter(file -> file.toString().contains("/src/main/"))
          .toList();
    }
  }

  private static List<Path> matching(String folder, Pattern pattern) throws IOException {
    List<Path> found = new ArrayList<>();
    for (Path source : sources(folder)) {
      if (pattern.matcher(Files.readString(source)).find()) {
        found.add(source);
      }
    }
    return found;
  }

  @Test
  void onlyModelsAndTheirFormatsSayTheirTensorsNames() throws IOException {
    List<Path> found = new ArrayList<>(matching("app", NAME));
    assertTrue(found.removeIf(f -> f.endsWith(MAY_KNOW.getFirst())), "the pattern finds GPT-2");
    found.removeIf(f -> MAY_KNOW.stream().anyMatch(f::endsWith));
    found.addAll(matching("backends/src/main/java", NAME));
    assertEquals(List.of(), found);
  }

  @Test
  void noRewriteAsksAName() throws IOException {
    assertEquals(List.of(), matching("backends/src/main/java/dev/anneal/plan", QUESTION));
    assertEquals(List.of(), matching("app/engine/src/main/java/dev/anneal/training", QUESTION));
    assertEquals(List.of(), matching("app/engine/src/main/java/dev/anneal/model", QUESTION));
    assertEquals(List.of(), matching("app/engine/src/main/java/dev/anneal/generation", QUESTION));
  }
}
