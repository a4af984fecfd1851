package dev.anneal.data;

import dev.anneal.checkpoint.InputFile;
import dev.anneal.tokenizer.Tokenizer;
import java.nio.file.Path;

/** A text file whose bytes are its tokens, as one document. */
final class ByteFile {
  private ByteFile() {}

  static TextCorpus open(String name, Path path, Tokenizer tokenizer, String fingerprint) {
    InputFile file = InputFile.open(path);
    return new TextCorpus(
        new FileTokens(
            name,
            file,
            0,
            1,
            1,
            tokenizer.endOfText(),
            tokenizer.vocabularySize(),
            file.size() + 1,
            fingerprint),
        1);
  }
}
