package dev.anneal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

/**
 * 300 strings on whose tokens Hugging Face's tokenizers, tiktoken and llama.cpp agree: edge cases,
 * prose, code and many scripts. Their Llama 3 column is left out, since its vocabulary is not here.
 */
class ReferenceTokensTest {
  private static final List<JsonNode> STRINGS = strings();

  private static List<JsonNode> strings() {
    try {
      JsonMapper mapper = new JsonMapper();
      List<JsonNode> strings = new java.util.ArrayList<>();
      for (String line : Files.readAllLines(TokenizerFile.path("vectors.jsonl"))) {
        strings.add(mapper.readTree(line));
      }
      return strings;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static int[] tokens(JsonNode string, String column) {
    return StreamSupport.stream(string.path(column).spliterator(), false)
        .mapToInt(JsonNode::asInt)
        .toArray();
  }

  private static void check(Tokenizer tokenizer, String column, boolean ordinary) {
    assertEquals(300, STRINGS.size());
    for (JsonNode string : STRINGS) {
      String text = string.path("text").asText();
      int[] tokens = tokenizer.encodeMarked(text);
      assertArrayEquals(tokens(string, column), tokens, text);
      assertEquals(text, tokenizer.decode(tokens));
      if (ordinary) {
        assertArrayEquals(tokens(string, column + "_ordinary"), tokenizer.encode(text), text);
      }
    }
  }

  @Test
  void ofGpt2() {
    check(new Gpt2Tokenizer(), "gpt2", true);
  }

  @Test
  void ofLlama3sPatternWithWholePieces() {
    check(TokenizerFile.llama(), "tiny_llama", true);
  }

  @Test
  void ofATokenizerJsonWithMergesAsText() {
    check(TokenizerFile.gpt2(), "tiny_gpt2", false);
  }

  @Test
  void ofVocabAndMerges() {
    Definition read = VocabAndMerges.read(TokenizerFile.path("gpt2-tiny"));
    check(new BytePairTokenizer(read), "tiny_gpt2", false);
    assertEquals(TokenizerFile.gpt2().identity(), new BytePairTokenizer(read).identity());
  }

  @Test
  void ofWhatIsWrittenAndReadAgain() throws IOException {
    for (BytePairTokenizer tokenizer : List.of(TokenizerFile.llama(), TokenizerFile.gpt2())) {
      java.nio.file.Path file = Files.createTempFile("tokenizer", ".json");
      Files.write(file, tokenizer.json());
      BytePairTokenizer again = new BytePairTokenizer(TokenizerJson.read(file));
      Files.delete(file);
      assertArrayEquals(tokenizer.json(), again.json());
      boolean llama = tokenizer.definition().preTokenizer() == PreTokenizer.LLAMA3;
      check(again, llama ? "tiny_llama" : "tiny_gpt2", llama);
    }
  }
}
