package dev.anneal.huggingface;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.Safetensors;
import dev.anneal.checkpoint.SafetensorsEntry;
import dev.anneal.failure.Failure;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The tensors of a folder: one safetensors file, or several with an index that says which has what.
 */
final class HubShards implements HubValues.Tensors, AutoCloseable {
  static final String WEIGHTS = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";

  /** More files than any model has been cut into. */
  private static final int MOST_FILES = 10_000;

  /** A tensor and the file that has it. */
  private record Place(Safetensors file, SafetensorsEntry entry) {}

  private final Path folder;
  private final List<Safetensors> files = new ArrayList<>();
  private final Map<String, Place> tensors = new LinkedHashMap<>();

  private HubShards(Path folder) {
    this.folder = folder;
  }

  /**
   * Opens all files of a folder and checks their headers.
   *
   * @throws Failure when one is missing, damaged, or does not have what the index says
   */
  static HubShards open(Path folder) {
    HubShards shards = new HubShards(folder);
    boolean whole = false;
    try {
      if (Files.exists(folder.resolve(WEIGHTS))) {
        shards.add(WEIGHTS);
      } else {
        shards.addIndexed();
      }
      whole = true;
      return shards;
    } finally {
      if (!whole) {
        shards.close();
      }
    }
  }

  private void addIndexed() {
    Path path = folder.resolve(INDEX);
    if (!Files.exists(path)) {
      String others =
          Files.exists(folder.resolve("pytorch_model.bin"))
              ? "; its pytorch_model.bin is a Python pickle, which runs code when it is read: save"
                  + " the model as safetensors"
              : "";
      throw Failure.failed(
          FileFailures.shown(folder) + " has no " + WEIGHTS + " and no " + INDEX + others);
    }
    HubJson map =
        HubJson.read(path)
            .object("weight_map")
            .orElseThrow(
                () -> Failure.failed(FileFailures.shown(path) + ": weight_map is missing"));
    Map<String, Set<String>> byFile = new TreeMap<>();
    for (String tensor : map.fields()) {
      String file = map.text(tensor).orElseThrow(() -> map.bad(tensor, "a file's name"));
      if (!isPlain(file)) {
        throw map.bad(tensor, "the name of a .safetensors file in the folder");
      }
      byFile.computeIfAbsent(file, f -> new TreeSet<>()).add(tensor);
    }
    if (byFile.size() > MOST_FILES) {
      throw Failure.failed(
          FileFailures.shown(path) + " names " + byFile.size() + " files; too many to be true");
    }
    byFile.forEach(
        (file, expected) -> {
          Set<String> found = add(file);
          for (String tensor : expected) {
            if (!found.contains(tensor)) {
              throw Failure.failed(
                  FileFailures.shown(folder.resolve(file))
                      + " has no tensor "
                      + FileFailures.shown(tensor)
                      + ", which "
                      + INDEX
                      + " says is there");
            }
          }
        });
  }

  /** A file beside the index, and nowhere else. */
  private static boolean isPlain(String name) {
    return name.endsWith(".safetensors")
        && !name.startsWith(".")
        && name.chars().allMatch(c -> c > ' ' && c < 0x7f && c != '/' && c != '\\' && c != ':');
  }

  private Set<String> add(String name) {
    Safetensors file = Safetensors.open(folder.resolve(name));
    files.add(file);
    file.tensors()
        .forEach(
            (tensor, entry) -> {
              if (tensors.put(tensor, new Place(file, entry)) != null) {
                throw Failure.failed(
                    FileFailures.shown(folder.resolve(name))
                        + " has the tensor "
                        + FileFailures.shown(tensor)
                        + ", which another file of the folder has, too");
              }
            });
    return file.tensors().keySet();
  }

  /** The names of all tensors. */
  Set<String> names() {
    return tensors.keySet();
  }

  @Override
  public Optional<SafetensorsEntry> find(String name) {
    return Optional.ofNullable(tensors.get(name)).map(Place::entry);
  }

  @Override
  public void read(String name, long from, MemorySegment into) {
    Place place = Optional.ofNullable(tensors.get(name)).orElseThrow();
    place.file().read(place.entry(), from, into);
  }

  @Override
  public void close() {
    files.forEach(Safetensors::close);
  }
}
