package dev.anneal.checkpoint;

import dev.anneal.failure.Failure;
import dev.anneal.model.Gpt2;
import dev.anneal.model.ModelConfig;
import dev.anneal.plan.Bfloat16;
import dev.anneal.plan.DType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;

/**
 * A GPT-2 in llm.c's file form: version 3 holds float32, version 5 bfloat16. Header: magic,
 * version, maxT, V, L, H, C, Vp; then the parameters in {@link LlmcLayout}'s order, little-endian.
 */
public final class LlmcCheckpoint implements ModelFile {
  private static final int VERSION_F32 = 3;
  private static final int VERSION_BF16 = 5;

  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final InputFile file;
  private final ModelConfig config;
  private final int paddedVocabulary;
  private final DType dtype;
  private final LlmcLayout layout;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment packed = arena.allocate((long) CHUNK * Short.BYTES);

  private LlmcCheckpoint(InputFile file, ModelConfig config, int paddedVocabulary, DType dtype) {
    this.file = file;
    this.config = config;
    this.paddedVocabulary = paddedVocabulary;
    this.dtype = dtype;
    this.layout = LlmcLayout.of(config, paddedVocabulary);
  }

  /**
   * Opens a file and checks its header and its size.
   *
   * @throws Failure when it cannot be read or is none; the message says what was expected
   */
  public static LlmcCheckpoint open(Path file) {
    return InputFile.open(file, LlmcCheckpoint::checked);
  }

  private static LlmcCheckpoint checked(InputFile file) {
    LlmcHeader header = LlmcHeader.read(file, LlmcHeader.Kind.MODEL);
    DType dtype =
        switch (header.version()) {
          case VERSION_F32 -> DType.F32;
          case VERSION_BF16 -> DType.BF16;
          default ->
              throw header.bad(
                  "its version is " + header.version() + "; expected 3 (float32) or 5 (bfloat16)");
        };
    int context = header.positive(2, "the longest sequence");
    int vocabulary = header.positive(3, "the vocabulary");
    int layers = header.positive(4, "the number of layers");
    int heads = header.positive(5, "the number of heads");
    int channels = header.positive(6, "the number of channels");
    int padded = header.positive(7, "the padded vocabulary");
    if (channels % heads != 0) {
      throw header.bad(heads + " heads do not divide its " + channels + " channels");
    }
    if (padded < vocabulary) {
      throw header.bad(
          "the padded vocabulary, " + padded + ", is below the vocabulary, " + vocabulary);
    }
    requireSize(header, file.size(), layers, context, channels, padded, dtype);
    ModelConfig config = new Gpt2.Config(layers, heads, channels, context, vocabulary);
    return new LlmcCheckpoint(file, config, padded, dtype);
  }

  private static void requireSize(
      LlmcHeader header,
      long size,
      int layers,
      int context,
      int channels,
      int padded,
      DType dtype) {
    String sizes =
        "%d layers, %d channels, context %d and padded vocabulary %d in %s"
            .formatted(layers, channels, context, padded, dtype);
    long expected;
    try {
      expected =
          Math.addExact(
              LlmcHeader.BYTES, LlmcLayout.bytes(layers, context, channels, padded, dtype.bytes()));
    } catch (ArithmeticException e) {
      throw header.bad("no file can hold " + sizes);
    }
    if (size != expected) {
      throw header.bad(
          "it has " + size + " bytes; expected " + expected + " for " + sizes + "; copy it again");
    }
  }

  @Override
  public ModelConfig config() {
    return config;
  }

  @Override
  public Path path() {
    return file.path();
  }

  /** Vp: the rows of the token embedding in this file; a model may pad to another number. */
  public int paddedVocabulary() {
    return paddedVocabulary;
  }

  /** The format of the file's elements: F32 or BF16. */
  public DType dtype() {
    return dtype;
  }

  public LlmcLayout layout() {
    return layout;
  }

  @Override
  public synchronized void read(String name, long first, MemorySegment floats) {
    LlmcLayout.Parameter parameter = layout.parameter(name);
    long count = floats.byteSize() / Float.BYTES;
    if (first < 0 || count > parameter.elements() - first) {
      throw new IndexOutOfBoundsException(count + " elements at " + first + " of " + parameter);
    }
    long position = LlmcHeader.BYTES + (parameter.first() + first) * dtype.bytes();
    if (dtype == DType.F32) {
      file.read(position, floats.asSlice(0, count * Float.BYTES));
      return;
    }
    for (long done = 0; done < count; done += CHUNK) {
      int n = (int) Math.min(CHUNK, count - done);
      file.read(position + done * Short.BYTES, packed.asSlice(0, (long) n * Short.BYTES));
      for (int i = 0; i < n; i++) {
        floats.set(FLOAT, (done + i) * 4, Bfloat16.toFloat(packed.get(SHORT, i * 2L)));
      }
    }
  }

  /**
   * Refuses a file whose embedding has other rows than the model here.
   *
   * @throws Failure saying what was expected
   */
  public LlmcCheckpoint requireUsualPadding() {
    if (paddedVocabulary != config.paddedVocabulary()) {
      throw Failure.failed(
          "the checkpoint pads its vocabulary to "
              + paddedVocabulary
              + "; expected "
              + config.paddedVocabulary()
              + ", the next multiple of 128");
    }
    return this;
  }

  /**
   * A file with the parameters that {@code source} gives.
   *
   * @param dtype F32, which is version 3, or BF16, which is version 5 and rounds to nearest even
   * @throws Failure when the model is no GPT-2
   */
  public static FileWriter writer(
      ModelConfig config, int paddedVocabulary, DType dtype, ParameterSource source) {
    if (!(config instanceof Gpt2.Config)) {
      throw Failure.failed(
          "llm.c's checkpoints hold GPT-2 alone, and this model is of the family "
              + config.family().name());
    }
    int version =
        switch (dtype) {
          case F32 -> VERSION_F32;
          case BF16 -> VERSION_BF16;
          default -> throw new IllegalArgumentException("llm.c has no checkpoints of " + dtype);
        };
    LlmcLayout layout = LlmcLayout.of(config, paddedVocabulary);
    return new FileWriter() {
      @Override
      public long bytes() {
        return LlmcHeader.BYTES + Math.multiplyExact(layout.elements(), dtype.bytes());
      }

      @Override
      public void writeTo(WritableByteChannel out) throws IOException {
        WholeBuffer.write(
            out,
            LlmcHeader.bytes(
                LlmcHeader.Kind.MODEL,
                version,
                config.context(),
                config.vocabulary(),
                config.layers(),
                config.heads(),
                config.channels(),
                paddedVocabulary));
        try (Arena buffers = Arena.ofShared()) {
          MemorySegment buffer = buffers.allocate((long) CHUNK * Float.BYTES);
          for (LlmcLayout.Parameter parameter : layout.parameters()) {
            write(out, parameter, dtype, source, buffer);
          }
        }
      }
    };
  }

  private static void write(
      WritableByteChannel out,
      LlmcLayout.Parameter parameter,
      DType dtype,
      ParameterSource source,
      MemorySegment buffer)
      throws IOException {
    for (long first = 0; first < parameter.elements(); first += CHUNK) {
      int n = (int) Math.min(CHUNK, parameter.elements() - first);
      MemorySegment floats = buffer.asSlice(0, (long) n * Float.BYTES);
      source.read(parameter.name(), first, floats);
      if (dtype == DType.BF16) {
        // In place: element i is read before bytes 2i and 2i + 1, at or below it, are written.
        for (int i = 0; i < n; i++) {
          floats.set(SHORT, i * 2L, Bfloat16.of(floats.get(FLOAT, i * 4L)));
        }
      }
      WholeBuffer.write(out, floats.asSlice(0, (long) n * dtype.bytes()).asByteBuffer());
    }
  }

  @Override
  public void close() {
    arena.close();
    file.close();
  }
}
