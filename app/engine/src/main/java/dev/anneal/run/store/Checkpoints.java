package dev.anneal.run.store;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.checkpoint.Checkpoint;
import dev.anneal.checkpoint.FileWriter;
import dev.anneal.checkpoint.Safetensors;
import dev.anneal.checkpoint.SafetensorsEntry;
import dev.anneal.checkpoint.SafetensorsType;
import dev.anneal.failure.Failure;
import dev.anneal.model.Model;
import dev.anneal.model.Parameter;
import dev.anneal.plan.Tensor;
import dev.anneal.run.Run;
import dev.anneal.run.config.ConfigJson;
import dev.anneal.run.config.Corpus;
import dev.anneal.run.config.Opening;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.config.RunTokenizer;
import dev.anneal.training.Trainer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What a checkpoint of a run holds: {@code model.safetensors}, what the optimizer remembers in
 * {@code optimizer.safetensors}, and the configuration in the manifest. Nothing else is needed to
 * go on bit for bit, since data order, learning rate and random numbers are functions of the step.
 */
public final class Checkpoints {
  static final String MODEL = "model.safetensors";
  static final String OPTIMIZER = "optimizer.safetensors";
  private static final String CORPUS = "corpus";
  private static final String ORIGIN = "origin";
  private static final String OPENING = "opening";
  private static final String ALGORITHMS = "algorithms";
  private static final int CHUNK = 1 << 22;

  private Checkpoints() {}

  /**
   * A checkpoint of a run.
   *
   * @param corpusFingerprint of the data it was trained on
   * @param opening of its samples
   * @param origin as {@link Run} has it
   * @param newestIn the run whose newest it was meant to be, when a later one does as well
   */
  public record Saved(
      Checkpoint files,
      RunConfig config,
      Optional<String> corpusFingerprint,
      Opening opening,
      Optional<Integer> origin,
      Optional<Path> newestIn) {
    /** Updates made. */
    public int step() {
      return files.step();
    }

    /** What {@code checkpoint}, which is whole, says of itself. */
    static Saved of(Checkpoint checkpoint) {
      ObjectNode meta = checkpoint.meta();
      return new Saved(
          checkpoint,
          ConfigJson.read(meta.path("config"), checkpoint.manifest()),
          Optional.ofNullable(meta.path(CORPUS).textValue()),
          Opening.of(Optional.ofNullable(meta.path(OPENING).textValue())),
          origin(checkpoint, meta),
          Optional.empty());
    }

    Saved asNewestIn(Path run) {
      return new Saved(files, config, corpusFingerprint, opening, origin, Optional.of(run));
    }

    /**
     * What libraries multiplied with, as {@link dev.anneal.device.Device#useAlgorithms} takes it.
     */
    public Map<String, String> algorithms() {
      Map<String, String> found = new TreeMap<>();
      for (Map.Entry<String, JsonNode> entry : files.meta().path(ALGORITHMS).properties()) {
        found.put(entry.getKey(), entry.getValue().asText());
      }
      return found;
    }

    /** Imported weights have no data that they were trained on. */
    private static Optional<Integer> origin(Checkpoint checkpoint, ObjectNode meta) {
      return meta.has(ORIGIN)
          ? Optional.of(meta.path(ORIGIN).asInt())
          : Optional.of(checkpoint.step()).filter(step -> !meta.has(CORPUS));
    }

    /** The first step of what {@code changed}, on the same data or not, can make again. */
    public Optional<Integer> originOf(RunConfig changed, boolean sameData) {
      return sameData && numbers(changed).equals(numbers(config)) && hasRatesOf(changed)
          ? origin
          : Optional.of(step());
    }

    /** All of a configuration that steps depend on, but for their rates and where the data is. */
    private static ObjectNode numbers(RunConfig config) {
      return ConfigJson.write(config)
          .remove(List.of("intervals", "data", "schedule", "recompute", "origin"));
    }

    /** Whether the updates so far would have had the same learning rates. */
    private boolean hasRatesOf(RunConfig changed) {
      return config.schedule().isKnown()
          && changed.schedule().isKnown()
          && IntStream.rangeClosed(1, step())
              .allMatch(
                  update ->
                      config.schedule().learningRate(update)
                          == changed.schedule().learningRate(update));
    }

    /** As where the weights of another run come from. */
    public RunConfig.Origin asOrigin() {
      return new RunConfig.Origin(files.directory().toString(), config.trainedLength());
    }
  }

  /**
   * What the manifest of a run on {@code corpus} says.
   *
   * @param algorithms that libraries multiply with, on which its bits depend
   */
  public static ObjectNode meta(
      RunConfig config, Corpus corpus, Optional<Integer> origin, Map<String, String> algorithms) {
    ObjectNode meta = meta(config, Optional.of(corpus.fingerprint()), origin);
    if (!algorithms.isEmpty()) {
      ObjectNode node = meta.putObject(ALGORITHMS);
      new TreeMap<>(algorithms).forEach(node::put);
    }
    if (corpus.opening() != Opening.END_OF_TEXT) {
      meta.put(OPENING, corpus.opening().word());
    }
    return meta;
  }

  static ObjectNode meta(
      RunConfig config, Optional<String> corpusFingerprint, Optional<Integer> origin) {
    ObjectNode meta = JsonNodeFactory.instance.objectNode();
    meta.set("config", ConfigJson.write(config));
    corpusFingerprint.ifPresent(fingerprint -> meta.put(CORPUS, fingerprint));
    origin.ifPresent(step -> meta.put(ORIGIN, step));
    return meta;
  }

  /** The files of a checkpoint, which read the weights from the device as they are written. */
  public static Map<String, FileWriter> files(
      Trainer trainer, Model model, RunTokenizer tokenizer) {
    Map<String, FileWriter> files = new LinkedHashMap<>();
    files.put(MODEL, writer(trainer, model.parameters().stream().map(Parameter::tensor)));
    files.put(OPTIMIZER, writer(trainer, state(trainer, model)));
    files.putAll(tokenizer.files());
    return files;
  }

  private static Stream<Tensor> state(Trainer trainer, Model model) {
    return model.parameters().stream().flatMap(p -> trainer.optimizer().state(p).stream());
  }

  private static FileWriter writer(Trainer trainer, Stream<Tensor> tensors) {
    List<Safetensors.Content> contents =
        tensors
            .map(
                tensor ->
                    new Safetensors.Content(
                        tensor.name(),
                        SafetensorsType.of(tensor.dtype()),
                        shape(tensor),
                        (from, into) -> trainer.read(tensor, from, into)))
            .toList();
    return Safetensors.writer(Map.of("format", "anneal"), contents);
  }

  private static List<Long> shape(Tensor tensor) {
    return tensor.shape().dims().stream().map(Integer::longValue).toList();
  }

  /** Loads weights and moments. */
  public static void load(Saved saved, Trainer trainer, Model model) {
    read(saved, MODEL, trainer, model.parameters().stream().map(Parameter::tensor).toList());
    read(saved, OPTIMIZER, trainer, state(trainer, model).toList());
  }

  private static void read(Saved saved, String name, Trainer trainer, List<Tensor> tensors) {
    try (Safetensors file = Safetensors.open(saved.files().file(name))) {
      readTensors(file, saved.files().file(name), tensors, trainer::write);
    }
  }

  /** Loads the weights alone, for sampling and export. */
  public static void loadWeights(Saved saved, Model model, WeightSink sink) {
    try (Safetensors file = openWeights(saved)) {
      readTensors(
          file,
          saved.files().file(MODEL),
          model.parameters().stream().map(Parameter::tensor).toList(),
          sink);
    }
  }

  /**
   * Opens the weights. A run may have deleted the checkpoint since it was found, as it saves newer
   * ones; then these are as good. What is open can be read to its end.
   */
  static Safetensors openWeights(Saved saved) {
    try {
      return Safetensors.open(saved.files().file(MODEL));
    } catch (Failure e) {
      if (saved.newestIn().isEmpty() || Files.exists(saved.files().directory())) {
        throw e;
      }
      return openWeights(SavedRun.checkpoint(saved.newestIn().get(), warning -> {}));
    }
  }

  /** Takes the bytes of a parameter from byte {@code offset} on. */
  @FunctionalInterface
  public interface WeightSink {
    void write(Tensor tensor, long offset, MemorySegment bytes);
  }

  private static void readTensors(
      Safetensors file, Path path, List<Tensor> tensors, WeightSink sink) {
    try (Arena arena = Arena.ofConfined()) {
      if (file.tensors().size() != tensors.size()) {
        throw Failure.failed(
            path + " has " + file.tensors().size() + " tensors; expected " + tensors.size());
      }
      MemorySegment chunk = arena.allocate(CHUNK, 64);
      for (Tensor tensor : tensors) {
        SafetensorsEntry entry =
            file.require(tensor.name(), SafetensorsType.of(tensor.dtype()), shape(tensor));
        for (long from = 0; from < tensor.bytes(); from += CHUNK) {
          MemorySegment part = chunk.asSlice(0, Math.min(CHUNK, tensor.bytes() - from));
          file.read(entry, from, part);
          sink.write(tensor, from, part);
        }
      }
    }
  }
}
