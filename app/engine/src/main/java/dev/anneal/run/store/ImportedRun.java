package dev.anneal.run.store;

import dev.anneal.checkpoint.Checkpoint;
import dev.anneal.checkpoint.CheckpointDirectory;
import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.FileWriter;
import dev.anneal.checkpoint.ModelFile;
import dev.anneal.checkpoint.PathKind;
import dev.anneal.checkpoint.Safetensors;
import dev.anneal.checkpoint.SafetensorsType;
import dev.anneal.data.TextRules;
import dev.anneal.failure.Failure;
import dev.anneal.model.Model;
import dev.anneal.model.ModelConfig;
import dev.anneal.model.Parameter;
import dev.anneal.optimizer.AdamW;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.plan.Tensor;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.config.RunTokenizer;
import dev.anneal.tokenizer.Gpt2Tokenizer;
import dev.anneal.tokenizer.Tokenizer;
import dev.anneal.tokenizer.TokenizerFiles;
import dev.anneal.training.MemoryFloor;
import dev.anneal.training.Schedule;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** A run whose weights another program trained. */
public final class ImportedRun {
  private ImportedRun() {}

  /**
   * Makes a run at step 0 in {@code out} with the weights of {@code source}, and its tokenizer
   * where it is a folder that has one.
   *
   * @throws Failure when there is a run already, or the tokenizer has tokens that the model has not
   */
  public static Checkpoint make(ModelFile source, Path out) {
    ModelConfig config = source.config();
    MemoryFloor.ofWeights(config).requirePossible();
    Model model = config.model();
    RunTokenizer tokenizer = tokenizer(source);
    Map<String, FileWriter> files = new LinkedHashMap<>();
    files.put(
        Checkpoints.MODEL,
        Safetensors.writer(
            Map.of("format", "anneal"),
            contents(
                model.parameters().stream().map(Parameter::tensor),
                tensor -> (from, into) -> source.read(tensor.name(), from / 4, into))));
    files.put(
        Checkpoints.OPTIMIZER,
        Safetensors.writer(
            Map.of("format", "anneal"),
            contents(
                model.parameters().stream().flatMap(p -> AdamW.defaults().state(p).stream()),
                tensor -> (from, into) -> into.fill((byte) 0))));
    files.putAll(tokenizer.files());
    try (RunDirectory directory = RunDirectory.create(out)) {
      tokenizer.keepIn(directory.path());
      return new CheckpointDirectory(directory.path())
          .publish(
              0,
              files,
              Checkpoints.meta(
                  runConfig(config, tokenizer)
                      .from(new RunConfig.Origin(source.path().toString(), config.context())),
                  Optional.empty(),
                  Optional.of(0)));
    }
  }

  private interface Reader {
    Safetensors.Source of(Tensor tensor);
  }

  private static List<Safetensors.Content> contents(Stream<Tensor> tensors, Reader reader) {
    return tensors
        .map(
            t ->
                new Safetensors.Content(
                    t.name(),
                    SafetensorsType.of(t.dtype()),
                    t.shape().dims().stream().map(Integer::longValue).toList(),
                    reader.of(t)))
        .toList();
  }

  private static RunTokenizer tokenizer(ModelFile source) {
    int vocabulary = source.config().vocabulary();
    Path path = source.path();
    if (PathKind.of(path) != PathKind.FOLDER || !TokenizerFiles.areIn(path)) {
      return RunTokenizer.named(vocabulary == Gpt2Tokenizer.VOCABULARY ? "gpt2" : "byte");
    }
    Tokenizer read = TokenizerFiles.read(path, Optional.empty());
    if (read.vocabularySize() > vocabulary) {
      throw Failure.failed(
          "the tokenizer of %s has %d tokens, and its model a vocabulary of %d; they do not belong together"
              .formatted(FileFailures.shown(path), read.vocabularySize(), vocabulary));
    }
    return RunTokenizer.of(read);
  }

  /** What training goes on with: llm.c's defaults. */
  private static RunConfig runConfig(ModelConfig model, RunTokenizer tokenizer) {
    return new RunConfig(
        model,
        new RunConfig.Data(
            Optional.empty(), Optional.empty(), tokenizer, Optional.of(TextRules.DEFAULT)),
        4,
        Math.min(64, model.context()),
        1,
        new Schedule(Schedule.Known.COSINE, 3e-4, 0, 100, 1),
        AdamW.defaults(),
        Recompute.NONE,
        Precision.FP32,
        RunConfig.DEFAULT_SEED,
        new RunConfig.Intervals(20, 20, 0, 64, 0, 2));
  }
}
