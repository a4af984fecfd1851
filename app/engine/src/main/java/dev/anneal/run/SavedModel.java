package dev.anneal.run;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.Device;
import dev.anneal.device.Memory;
import dev.anneal.generation.Decoder;
import dev.anneal.generation.Generator;
import dev.anneal.generation.SamplingSettings;
import dev.anneal.model.Model;
import dev.anneal.model.Parameter;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.plan.DType;
import dev.anneal.plan.Elements;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Tensor;
import dev.anneal.run.config.Opening;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.store.Checkpoints;
import dev.anneal.tokenizer.Tokenizer;
import dev.anneal.training.MemoryFloor;
import java.lang.foreign.MemorySegment;

/**
 * The weights of a checkpoint on a device. It continues prompts with the bits of the run that saved
 * them: the same window, and the same format of the weights where the device has it.
 */
public final class SavedModel implements AutoCloseable {
  private final RunConfig config;
  private final Model model;
  private final Opening opening;
  private final Memory parameters;
  private final Decoder decoder;

  private SavedModel(Checkpoints.Saved saved, Model model, Memory parameters, Decoder decoder) {
    this.config = saved.config();
    this.opening = saved.opening();
    this.model = model;
    this.parameters = parameters;
    this.decoder = decoder;
  }

  /** Loads the weights; the device stays its caller's to close. */
  public static SavedModel load(Checkpoints.Saved saved, Device device) {
    RunConfig config = saved.config();
    MemoryFloor.ofWeights(config.model()).requireFits(device);
    Model model = config.model().model();
    Precision precision =
        device.precisions().contains(config.precision()) ? config.precision() : Precision.FP32;
    ArenaLayout layout =
        ArenaLayout.sequential(
            Arena.PARAMETERS,
            model.parameters().stream().map(Parameter::tensor).map(precision::stored).toList());
    Memory parameters = device.allocate(Arena.PARAMETERS, layout.bytes());
    try {
      Checkpoints.loadWeights(
          saved,
          model,
          (tensor, offset, bytes) -> {
            Tensor stored = precision.stored(tensor);
            long start = requireNonNull(layout.offsets().get(stored));
            write(device, parameters, stored, start, offset, bytes);
          });
      Decoder decoder = new Decoder(device, model, parameters, config.trainedLength(), precision);
      return new SavedModel(saved, model, parameters, decoder);
    } catch (RuntimeException e) {
      parameters.close();
      throw e;
    }
  }

  /** Bytes of fp32 from byte {@code offset} of a tensor on, in the format that it is stored in. */
  private static void write(
      Device device, Memory to, Tensor stored, long start, long offset, MemorySegment bytes) {
    if (stored.dtype() == DType.F32) {
      device.copyIn(to, start + offset, bytes);
      return;
    }
    try (var narrow = java.lang.foreign.Arena.ofConfined()) {
      long elements = bytes.byteSize() / Float.BYTES;
      MemorySegment part = narrow.allocate(elements * stored.dtype().bytes(), 64);
      for (long i = 0; i < elements; i++) {
        Elements.set(part, stored.dtype(), i, Elements.get(bytes, DType.F32, i));
      }
      device.copyIn(to, start + offset / Float.BYTES * stored.dtype().bytes(), part);
    }
  }

  /** How a prompt is continued when it does not say: as the run does. */
  public SamplingSettings sampling() {
    return SamplingSettings.defaults(config.seed());
  }

  public Generator generator() {
    return new Generator(decoder, model.vocabulary());
  }

  public Tokenizer tokenizer() {
    return config.data().tokenizer().open();
  }

  /** What samples without a prompt begin with. */
  public Opening opening() {
    return opening;
  }

  /** The longest text, in tokens, that the weights were trained on. */
  public int trainedLength() {
    return config.trainedLength();
  }

  @Override
  public void close() {
    decoder.close();
    parameters.close();
  }
}
