package dev.anneal.run.store;

import static dev.anneal.failure.Spelling.setting;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.checkpoint.DurableFile;
import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.FileWriter;
import dev.anneal.checkpoint.InputFile;
import dev.anneal.failure.Failure;
import dev.anneal.run.config.ConfigJson;
import dev.anneal.run.config.RunConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a run was begun with, as its directory keeps it from the start: a run that ends before its
 * first checkpoint can be begun again.
 *
 * @param corpusFingerprint of the data
 */
public record RecordedConfig(RunConfig config, Optional<String> corpusFingerprint) {
  static final String FILE = "config.json";
  private static final int MOST_BYTES = 1 << 20;
  private static final JsonMapper JSON = new JsonMapper();

  void write(Path run) {
    ObjectNode meta = Checkpoints.meta(config, corpusFingerprint, Optional.empty());
    config.data().tokenizer().keepIn(run);
    DurableFile.write(run.resolve(FILE), FileWriter.of(meta.toPrettyString().getBytes(UTF_8)));
  }

  /** Empty when there is none, as in runs of before there were any. */
  static Optional<RecordedConfig> read(Path run) {
    Path file = run.resolve(FILE);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      JsonNode meta = JSON.readTree(InputFile.whole(file, MOST_BYTES));
      return Optional.of(
          new RecordedConfig(
              ConfigJson.read(meta.path("config"), file),
              Optional.ofNullable(meta.path("corpus").textValue())));
    } catch (com.fasterxml.jackson.core.JacksonException e) {
      throw Failure.failed(
          file + " is damaged; begin the run anew: train " + setting("out") + " " + run);
    } catch (IOException e) {
      throw FileFailures.cannotRead(file, e);
    }
  }
}
