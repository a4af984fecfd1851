package dev.anneal.huggingface;

import static java.util.Objects.requireNonNull;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.ModelFile;
import dev.anneal.checkpoint.SafetensorsEntry;
import dev.anneal.checkpoint.SafetensorsType;
import dev.anneal.failure.Failure;
import dev.anneal.model.ModelConfig;
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

  private final Path folder;
  private final HubFamily family;
  private final ModelConfig config;
  private final HubShards shards;
  private final Map<String, HubFamily.Name> names = new LinkedHashMap<>();
  private final String prefix;
  private final HubValues values;

  private HubFolder(Path folder, HubFamily family, ModelConfig config, HubShards shards) {
    this.folder = folder;
    this.family = family;
    this.config = config;
    this.shards = shards;
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
    HubFolder opened = new HubFolder(folder, family, config, HubShards.open(folder));
    boolean accepted = false;
    try {
      opened.requireBlocks();
      opened.requireParameters();
      opened.requireNothingElse();
      opened.requireTied();
      accepted = true;
      return opened;
    } finally {
      if (!accepted) {
        opened.close();
      }
    }
  }

  /** Before the names of as many blocks as a file claims are made. */
  private void requireBlocks() {
    if (config.layers() > shards.names().size()) {
      throw Failure.failed(
          "%s has %d tensors, too few for the %d blocks that its %s claims"
              .formatted(
                  FileFailures.shown(folder), shards.names().size(), config.layers(), CONFIG));
    }
    family.names(config).forEach(name -> names.put(name.ours(), name));
  }

  private void requireParameters() {
    for (HubFamily.Part part : parts()) {
      String name = prefixed(part.name());
      SafetensorsEntry entry =
          shards
              .find(name)
              .orElseThrow(
                  () -> Failure.failed(FileFailures.shown(folder) + " has no tensor " + name));
      if (!entry.shape().equals(part.shape())) {
        throw Failure.failed(
            "%s: tensor %s has the shape %s; expected %s, as %s says"
                .formatted(FileFailures.shown(folder), name, entry.shape(), part.shape(), CONFIG));
      }
      if (FloatFormat.of(entry.type()).isEmpty()) {
        throw Failure.failed(
            "%s: tensor %s is %s; expected F32, F16 or BF16"
                .formatted(FileFailures.shown(folder), name, entry.type()));
      }
    }
  }

  private List<HubFamily.Part> parts() {
    return names.values().stream().flatMap(name -> name.theirs().stream()).toList();
  }

  private String prefixed(String name) {
    return HubValues.prefixed(prefix, name);
  }

  private void requireNothingElse() {
    Set<String> known = new HashSet<>();
    parts().forEach(part -> known.add(prefixed(part.name())));
    for (String name : shards.names()) {
      String bare = name.startsWith(prefix) ? name.substring(prefix.length()) : name;
      if (!known.contains(name) && !family.isBuffer(bare) && !name.equals(HubValues.HEAD)) {
        throw Failure.failed(
            "%s has a tensor %s, which no %s has; it may be of another model"
                .formatted(FileFailures.shown(folder), FileFailures.shown(name), family.type()));
      }
    }
  }

  /** A head that is written out must be the embedding, where the model has no other. */
  private void requireTied() {
    Optional<SafetensorsEntry> head = shards.find(HubValues.HEAD);
    boolean own = parts().stream().anyMatch(part -> part.name().equals(HubValues.HEAD));
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
        shards.read(HubValues.HEAD, at, other.asSlice(0, n));
        same = one.asSlice(0, n).mismatch(other.asSlice(0, n)) < 0;
      }
    }
    if (!same) {
      throw Failure.failed(
          "%s: tensor %s differs from %s, to which %s ties it"
              .formatted(FileFailures.shown(folder), HubValues.HEAD, embedding, CONFIG));
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
    return shards.find(prefixed(parts().getFirst().name())).orElseThrow().type();
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
