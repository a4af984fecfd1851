package dev.anneal.huggingface;

import static java.util.Objects.requireNonNull;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.ModelFile;
import dev.anneal.checkpoint.SafetensorsEntry;
import dev.anneal.checkpoint.SafetensorsType;
import dev.anneal.failure.Failure;
import dev.anneal.model.ModelConfig;
import dev.anneal.model.Parameter;
import dev.anneal.plan.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A model as Hugging Face's libraries save it: {@code config.json}, and {@code model.safetensors}
 * or the shards that an index names, in fp32, fp16 or bf16. Opening it checks that every parameter
 * is there in its shape, and nothing that the model would not use.
 */
public final class HubFolder implements ModelFile {
  public static final String CONFIG = "config.json";
  private static final String HEAD = "lm_head.weight";

  private final Path folder;
  private final HubFamily family;
  private final ModelConfig config;
  private final HubShards shards;
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final Map<String, HubFamily.Name> names = new LinkedHashMap<>();
  private final String prefix;
  private final HubValues values;

  private HubFolder(Path folder, HubFamily family, ModelConfig config, HubShards shards) {
    this.folder = folder;
    this.family = family;
    this.config = config;
    this.shards = shards;
    config.model().parameters().forEach(p -> tensors.put(p.name(), p.tensor()));
    family.names(config).forEach(name -> names.put(name.ours(), name));
    boolean prefixed = shards.find(family.prefix() + family.embedding()).isPresent();
    this.prefix = prefixed ? family.prefix() : "";
    this.values = new HubValues(shards, prefix);
  }

  /** Whether a folder is one of these. */
  public static boolean is(Path folder) {
    return Files.isRegularFile(folder.resolve(CONFIG));
  }

  /**
   * Opens a folder.
   *
   * @throws Failure naming the file, what is wrong in it, and what was expected
   */
  public static HubFolder open(Path folder) {
    HubJson json = HubJson.read(folder.resolve(CONFIG));
    HubFamily family = HubFamily.of(json);
    ModelConfig config = family.model(json);
    HubShards shards = HubShards.open(folder);
    boolean accepted = false;
    try {
      requireHolds(folder, shards, config);
      HubFolder opened = new HubFolder(folder, family, config, shards);
      opened.requireParameters();
      opened.requireNothingElse();
      opened.requireTied();
      accepted = true;
      return opened;
    } finally {
      if (!accepted) {
        shards.close();
      }
    }
  }

  /** Before a model of sizes that a file claims is made: it has blocks for most of the tensors. */
  private static void requireHolds(Path folder, HubShards shards, ModelConfig config) {
    if (config.layers() > shards.names().size()) {
      throw Failure.failed(
          "%s has %d tensors, too few for the %d blocks that its %s claims"
              .formatted(
                  FileFailures.shown(folder), shards.names().size(), config.layers(), CONFIG));
    }
  }

  private void requireParameters() {
    for (HubFamily.Name name : names.values()) {
      SafetensorsEntry entry = entry(name);
      List<Long> expected = shape(name);
      if (!entry.shape().equals(expected)) {
        throw Failure.failed(
            "%s: tensor %s has the shape %s; expected %s, as %s says"
                .formatted(
                    FileFailures.shown(folder),
                    prefix + name.theirs(),
                    entry.shape(),
                    expected,
                    CONFIG));
      }
      if (FloatFormat.of(entry.type()).isEmpty()) {
        throw Failure.failed(
            "%s: tensor %s is %s; expected F32, F16 or BF16"
                .formatted(FileFailures.shown(folder), prefix + name.theirs(), entry.type()));
      }
    }
  }

  private SafetensorsEntry entry(HubFamily.Name name) {
    return shards
        .find(prefix + name.theirs())
        .orElseThrow(
            () ->
                Failure.failed(
                    FileFailures.shown(folder) + " has no tensor " + prefix + name.theirs()));
  }

  /** The shape in the file: the vocabulary is not padded there. */
  List<Long> shape(HubFamily.Name name) {
    List<Integer> dims = requireNonNull(tensors.get(name.ours())).shape().dims();
    if (dims.size() == 1) {
      return List.of((long) dims.getFirst());
    }
    long rows =
        dims.getFirst() == config.paddedVocabulary() && isOfVocabulary(name)
            ? config.vocabulary()
            : dims.getFirst();
    long columns = dims.getLast();
    return name.transposed() ? List.of(columns, rows) : List.of(rows, columns);
  }

  private boolean isOfVocabulary(HubFamily.Name name) {
    return initialRows(name).filter(rows -> rows == config.vocabulary()).isPresent();
  }

  /** How many rows of a parameter are ever used. */
  private Optional<Integer> initialRows(HubFamily.Name name) {
    return config.model().parameters().stream()
        .filter(p -> p.name().equals(name.ours()))
        .findFirst()
        .map(Parameter::initial)
        .flatMap(
            initial ->
                initial instanceof Parameter.Initial.Normal normal
                    ? Optional.of(normal.rows())
                    : Optional.empty());
  }

  private void requireNothingElse() {
    Set<String> known = new HashSet<>();
    names.values().forEach(name -> known.add(prefix + name.theirs()));
    for (String name : shards.names()) {
      String bare = name.startsWith(prefix) ? name.substring(prefix.length()) : name;
      if (!known.contains(name) && !family.isBuffer(bare) && !name.equals(HEAD)) {
        throw Failure.failed(
            "%s has a tensor %s, which no %s has; it may be of another model"
                .formatted(FileFailures.shown(folder), FileFailures.shown(name), family.type()));
      }
    }
  }

  /** A head that is written out must be the embedding, where the model has no other. */
  private void requireTied() {
    Optional<SafetensorsEntry> head = shards.find(HEAD);
    boolean own = names.values().stream().anyMatch(name -> name.theirs().equals(HEAD));
    if (head.isEmpty() || own) {
      return;
    }
    String embedding = prefix + family.embedding();
    SafetensorsEntry tied = shards.find(embedding).orElseThrow();
    boolean same = tied.type() == head.get().type() && tied.shape().equals(head.get().shape());
    try (Arena buffers = Arena.ofConfined()) {
      MemorySegment one = buffers.allocate(CHUNK);
      MemorySegment other = buffers.allocate(CHUNK);
      for (long at = 0; same && at < tied.bytes(); at += CHUNK) {
        long n = Math.min(CHUNK, tied.bytes() - at);
        shards.read(embedding, at, one.asSlice(0, n));
        shards.read(HEAD, at, other.asSlice(0, n));
        same = one.asSlice(0, n).mismatch(other.asSlice(0, n)) < 0;
      }
    }
    if (!same) {
      throw Failure.failed(
          "%s: tensor %s differs from %s, to which %s ties it"
              .formatted(FileFailures.shown(folder), HEAD, embedding, CONFIG));
    }
  }

  Map<String, HubFamily.Name> names() {
    return names;
  }

  /** What may be before the tensors' names in a file that goes with this folder. */
  List<String> prefixes() {
    return List.of("", family.prefix());
  }

  @Override
  public ModelConfig config() {
    return config;
  }

  @Override
  public Path path() {
    return folder;
  }

  /** How the parameters are stored, by the first of them. */
  public SafetensorsType type() {
    return entry(names.values().iterator().next()).type();
  }

  @Override
  public void read(String parameter, long first, MemorySegment floats) {
    values.read(requireNonNull(names.get(parameter)), first, floats);
  }

  @Override
  public void close() {
    values.close();
    shards.close();
  }
}
