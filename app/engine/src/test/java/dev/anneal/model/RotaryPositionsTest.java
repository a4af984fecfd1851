package dev.anneal.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.anneal.failure.Failure;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The frequencies of Llama 3, 3.1, 3.2 and others, as Hugging Face's own code computes them. */
class RotaryPositionsTest {
  static List<JsonNode> published() throws Exception {
    List<JsonNode> all = new ArrayList<>();
    new ObjectMapper()
        .readTree(RotaryPositionsTest.class.getResource("/huggingface/rope.json"))
        .forEach(all::add);
    return all;
  }

  @ParameterizedTest
  @MethodSource("published")
  void frequenciesAreHuggingFaces(JsonNode expected) {
    JsonNode scaling = expected.path("rope_scaling");
    RotaryPositions rope =
        new RotaryPositions(
            expected.path("rope_theta").doubleValue(),
            scaling.isObject()
                ? Optional.of(
                    new RotaryPositions.Scaling(
                        scaling.path("factor").doubleValue(),
                        scaling.path("low_freq_factor").doubleValue(),
                        scaling.path("high_freq_factor").doubleValue(),
                        scaling.path("original_max_position_embeddings").intValue()))
                : Optional.empty());
    int size = expected.path("head_dim").intValue();
    JsonNode frequencies = expected.path("inv_freq_float64");
    assertEquals(size / 2, frequencies.size());
    for (int i = 0; i < size / 2; i++) {
      double right = frequencies.get(i).doubleValue();
      assertEquals(right, rope.frequency(i, size), 1e-12 * right, expected.path("name") + " " + i);
    }
  }

  @Test
  void whatNoModelHasIsRefused() {
    assertThrows(Failure.class, () -> new RotaryPositions(1, Optional.empty()));
    assertThrows(Failure.class, () -> new RotaryPositions.Scaling(0.5, 1, 4, 8192));
    assertThrows(Failure.class, () -> new RotaryPositions.Scaling(8, 4, 4, 8192));
    assertThrows(Failure.class, () -> new RotaryPositions.Scaling(8, 1, 4, 0));
    assertThrows(Failure.class, () -> new RotaryPositions.Scaling(Double.NaN, 1, 4, 1));
  }
}
