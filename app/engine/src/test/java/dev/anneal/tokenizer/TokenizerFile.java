package dev.anneal.tokenizer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The tokenizers among the tests' resources. */
final class TokenizerFile {
  private TokenizerFile() {}

  static Path path(String name) {
    try {
      return Path.of(TokenizerFile.class.getResource("/tokenizers/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  static String text(String name) {
    try {
      return Files.readString(path(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static BytePairTokenizer llama() {
    return new BytePairTokenizer(TokenizerJson.read(path("llama-tiny/tokenizer.json")));
  }

  static BytePairTokenizer gpt2() {
    return new BytePairTokenizer(TokenizerJson.read(path("gpt2-tiny/tokenizer.json")));
  }
}
