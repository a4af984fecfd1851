package dev.anneal.huggingface;

import static java.util.Objects.requireNonNull;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.ReferenceState;
import dev.anneal.checkpoint.Safetensors;
import dev.anneal.checkpoint.SafetensorsEntry;
import dev.anneal.checkpoint.SafetensorsType;
import dev.anneal.failure.Failure;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What another program computed for a folder's model, as safetensors: {@code input_ids} and {@code
 * targets} (B,T) int32 or int64, {@code logits} (B,T,V) and {@code loss} float32, and {@code
 * grad.NAME} in the folder's names and shapes, for all parameters or none.
 */
public final class HubReference implements ReferenceState {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Tokens of a batch that is held in memory. */
  private static final long MOST_TOKENS = 1 << 24;

  private static final String GRADIENT = "grad.";

  private final Path path;
  private final Safetensors file;
  private final SafetensorsEntry ids;
  private final SafetensorsEntry wanted;
  private final SafetensorsEntry logits;
  private final SafetensorsEntry loss;
  private final Map<String, HubFamily.Name> names;
  private final Optional<HubValues> gradients;

  private HubReference(Path path, Safetensors file, HubFolder model) {
    this.path = path;
    this.file = file;
    this.names = model.names();
    this.ids = entry("input_ids");
    this.wanted = entry("targets");
    this.logits = entry("logits");
    this.loss = entry("loss");
    requireShapes(model);
    int vocabulary = model.config().vocabulary();
    ReferenceState.requireTokens(path, tokens(), vocabulary, "input");
    ReferenceState.requireTokens(path, targets(), vocabulary, "target");
    this.gradients = prefix(model).map(prefix -> new HubValues(new Gradients(file), prefix));
  }

  /**
   * Opens the state that belongs to {@code model}.
   *
   * @throws Failure when it cannot be read, lacks a tensor, or is of another model
   */
  public static HubReference open(Path path, HubFolder model) {
    Safetensors file = Safetensors.open(path);
    boolean accepted = false;
    try {
      HubReference reference = new HubReference(path, file, model);
      accepted = true;
      return reference;
    } finally {
      if (!accepted) {
        file.close();
      }
    }
  }

  private record Gradients(Safetensors file) implements HubValues.Tensors {
    @Override
    public Optional<SafetensorsEntry> find(String name) {
      return Optional.ofNullable(file.tensors().get(GRADIENT + name));
    }

    @Override
    public void read(String name, long from, MemorySegment into) {
      file.read(find(name).orElseThrow(), from, into);
    }
  }

  private SafetensorsEntry entry(String name) {
    return Optional.ofNullable(file.tensors().get(name))
        .orElseThrow(() -> Failure.failed(FileFailures.shown(path) + " has no tensor " + name));
  }

  private void requireShapes(HubFolder model) {
    List<Long> shape = ids.shape();
    if (shape.size() != 2 || shape.contains(0L) || shape.getFirst() > MOST_TOKENS / shape.get(1)) {
      throw bad(ids, "(B, T)");
    }
    for (SafetensorsEntry tokens : List.of(ids, wanted)) {
      boolean whole = tokens.type() == SafetensorsType.I32 || tokens.type() == SafetensorsType.I64;
      if (!whole || !tokens.shape().equals(shape)) {
        throw bad(tokens, "I32 or I64 of shape " + shape);
      }
    }
    if (shape.get(1) > model.config().context()) {
      throw bad(ids, "sequences of at most " + model.config().context() + ", the model's context");
    }
    requireFloats(logits, List.of(shape.get(0), shape.get(1), (long) model.config().vocabulary()));
    requireFloats(loss, List.of());
  }

  private void requireFloats(SafetensorsEntry entry, List<Long> shape) {
    if (entry.type() != SafetensorsType.F32 || !entry.shape().equals(shape)) {
      throw bad(entry, "F32 of shape " + shape);
    }
  }

  private Failure bad(SafetensorsEntry entry, String expected) {
    return Failure.failed(
        "%s: tensor %s is %s of shape %s; expected %s"
            .formatted(
                FileFailures.shown(path), entry.name(), entry.type(), entry.shape(), expected));
  }

  /** What is before the gradients' names; empty when there is none. */
  private Optional<String> prefix(HubFolder model) {
    if (file.tensors().keySet().stream().noneMatch(name -> name.startsWith(GRADIENT))) {
      return Optional.empty();
    }
    String prefix =
        model.prefixes().stream()
            .filter(p -> parts().allMatch(part -> has(gradient(p, part))))
            .findFirst()
            .orElseThrow(
                () ->
                    Failure.failed(
                        FileFailures.shown(path)
                            + " has gradients, but not one of each parameter of "
                            + FileFailures.shown(model.path())));
    parts().forEach(part -> requireFloats(entry(gradient(prefix, part)), part.shape()));
    return Optional.of(prefix);
  }

  private Stream<HubFamily.Part> parts() {
    return names.values().stream().flatMap(name -> name.theirs().stream());
  }

  private static String gradient(String prefix, HubFamily.Part part) {
    return GRADIENT + HubValues.prefixed(prefix, part.name());
  }

  private boolean has(String name) {
    return file.tensors().containsKey(name);
  }

  @Override
  public int batch() {
    return ids.shape().getFirst().intValue();
  }

  @Override
  public int sequence() {
    return ids.shape().getLast().intValue();
  }

  @Override
  public int[] tokens() {
    return whole(ids);
  }

  @Override
  public int[] targets() {
    return whole(wanted);
  }

  private int[] whole(SafetensorsEntry entry) {
    byte[] bytes = new byte[(int) entry.bytes()];
    MemorySegment segment = MemorySegment.ofArray(bytes);
    file.read(entry, 0, segment);
    int[] numbers = new int[batch() * sequence()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] =
          entry.type() == SafetensorsType.I32
              ? segment.getAtIndex(INT, i)
              : (int) Math.clamp(segment.getAtIndex(LONG, i), -1, Integer.MAX_VALUE);
    }
    return numbers;
  }

  @Override
  public float loss() {
    MemorySegment bytes = MemorySegment.ofArray(new byte[Float.BYTES]);
    file.read(loss, 0, bytes);
    return bytes.get(FLOAT, 0);
  }

  @Override
  public void readLogits(long first, MemorySegment floats) {
    file.read(logits, first * Float.BYTES, floats);
  }

  @Override
  public SequencedMap<String, List<String>> gradients() {
    SequencedMap<String, List<String>> all = new LinkedHashMap<>();
    if (gradients.isPresent()) {
      names
          .values()
          .forEach(
              name ->
                  all.put(
                      name.theirs().stream()
                          .map(HubFamily.Part::name)
                          .collect(Collectors.joining("+")),
                      List.of(name.ours())));
    }
    return all;
  }

  @Override
  public void read(String parameter, long first, MemorySegment floats) {
    gradients.orElseThrow().read(requireNonNull(names.get(parameter)), first, floats);
  }

  @Override
  public void close() {
    gradients.ifPresent(HubValues::close);
    file.close();
  }
}
