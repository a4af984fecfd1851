package dev.anneal.checkpoint;

import dev.anneal.failure.Failure;
import dev.anneal.model.ModelConfig;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * What PyTorch computed for one batch, as llm.c's scripts write it: header (magic, version 2, B,
 * T), tokens and targets (B,T) int32, logits (B,T,V) and loss float32, then the gradient of every
 * parameter in {@link LlmcLayout}'s order.
 */
public final class LlmcDebugState implements ReferenceState {
  private static final int VERSION = 2;

  private final InputFile file;
  private final int batch;
  private final int sequence;
  private final ModelConfig config;
  private final LlmcLayout layout;

  private LlmcDebugState(
      InputFile file, int batch, int sequence, ModelConfig config, LlmcLayout layout) {
    this.file = file;
    this.batch = batch;
    this.sequence = sequence;
    this.config = config;
    this.layout = layout;
  }

  /**
   * Opens the state that belongs to {@code checkpoint}, whose sizes it does not repeat.
   *
   * @throws Failure when it cannot be read, is none, or is of a model of other sizes
   */
  public static LlmcDebugState open(Path file, LlmcCheckpoint checkpoint) {
    return InputFile.open(
        file,
        opened -> {
          LlmcDebugState state = checked(opened, checkpoint);
          state.requireTokens();
          return state;
        });
  }

  private static LlmcDebugState checked(InputFile file, LlmcCheckpoint checkpoint) {
    LlmcHeader header = LlmcHeader.read(file, LlmcHeader.Kind.DEBUG_STATE);
    if (header.version() != VERSION) {
      throw header.bad("its version is " + header.version() + "; expected " + VERSION);
    }
    int batch = header.positive(2, "the batch");
    int sequence = header.positive(3, "the sequence length");
    ModelConfig config = checkpoint.config();
    if (sequence > config.context()) {
      throw header.bad(
          "its sequences of " + sequence + " exceed the checkpoint's context, " + config.context());
    }
    LlmcLayout layout = checkpoint.layout();
    long expected;
    try {
      long tokens = Math.multiplyExact((long) batch, sequence);
      long numbers =
          Math.addExact(
              Math.multiplyExact(tokens, 2L + config.vocabulary()), 1 + layout.elements());
      expected = Math.addExact(LlmcHeader.BYTES, Math.multiplyExact(numbers, 4));
      Math.toIntExact(tokens * Integer.BYTES);
    } catch (ArithmeticException e) {
      throw header.bad("no file can hold a batch of " + batch + " by " + sequence);
    }
    if (file.size() != expected) {
      throw header.bad(
          "it has %d bytes; expected %d for B = %d, T = %d and the model of the checkpoint"
              .formatted(file.size(), expected, batch, sequence));
    }
    return new LlmcDebugState(file, batch, sequence, config, layout);
  }

  private void requireTokens() {
    ReferenceState.requireTokens(file, tokens(), config.vocabulary(), "input");
    ReferenceState.requireTokens(file, targets(), config.vocabulary(), "target");
  }

  @Override
  public int batch() {
    return batch;
  }

  @Override
  public int sequence() {
    return sequence;
  }

  @Override
  public int[] tokens() {
    return ints(0);
  }

  @Override
  public int[] targets() {
    return ints((long) batch * sequence);
  }

  @Override
  public float loss() {
    return buffer(lossAt(), 1).getFloat();
  }

  @Override
  public void readLogits(long first, MemorySegment floats) {
    long count = floats.byteSize() / Float.BYTES;
    requireWithin(first, count, lossAt() - logitsAt(), "the logits");
    file.read(position(logitsAt() + first), floats);
  }

  /**
   * Fills {@code floats} with the gradient of parameter {@code name} from element {@code first}.
   */
  @Override
  public void read(String name, long first, MemorySegment floats) {
    LlmcLayout.Parameter parameter = layout.parameter(name);
    requireWithin(first, floats.byteSize() / Float.BYTES, parameter.elements(), name);
    file.read(position(lossAt() + 1 + parameter.first() + first), floats);
  }

  /** By llm.c's tensors, each of which holds all layers. */
  @Override
  public SequencedMap<String, List<String>> gradients() {
    SequencedMap<String, List<String>> gradients = new LinkedHashMap<>();
    layout
        .tensors()
        .forEach(
            (tensor, parts) ->
                gradients.put(tensor, parts.stream().map(LlmcLayout.Parameter::name).toList()));
    return gradients;
  }

  private long logitsAt() {
    return 2L * batch * sequence;
  }

  private long lossAt() {
    return logitsAt() + (long) batch * sequence * config.vocabulary();
  }

  private static void requireWithin(long first, long count, long elements, String what) {
    if (first < 0 || count > elements - first) {
      throw new IndexOutOfBoundsException(count + " elements at " + first + " of " + what);
    }
  }

  private int[] ints(long at) {
    int[] ints = new int[batch * sequence];
    buffer(at, ints.length).asIntBuffer().get(ints);
    return ints;
  }

  private ByteBuffer buffer(long at, int count) {
    ByteBuffer bytes = ByteBuffer.allocate(count * 4).order(ByteOrder.LITTLE_ENDIAN);
    file.read(position(at), bytes);
    return bytes.flip();
  }

  /** Where the {@code at}-th four-byte number behind the header is. */
  private static long position(long at) {
    return LlmcHeader.BYTES + at * 4;
  }

  @Override
  public void close() {
    file.close();
  }
}
