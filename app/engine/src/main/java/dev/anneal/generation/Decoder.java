package dev.anneal.generation;

import dev.anneal.device.Device;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.model.Model;
import dev.anneal.model.Parameter;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.plan.DType;
import dev.anneal.plan.Elements;
import dev.anneal.plan.Emitter;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import dev.anneal.training.Constants;
import dev.anneal.training.RewritePipeline;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Incremental decoding of one sequence: a KV cache, one plan that takes a token and gives logits,
 * and one that takes a chunk of the prompt. It reads the parameters where they are and writes only
 * its own arenas, so that sampling never changes a run.
 */
public final class Decoder implements AutoCloseable {
  /** Prompt tokens per run of the chunk plan: reading the weights once for all of them. */
  private static final int CHUNK = 16;

  private final Device device;
  private final int length;
  private final Memory cache;
  private final Memory activations;
  private final Step chunk;
  private final Step single;
  private final Tensor logits;
  private final java.lang.foreign.Arena host = java.lang.foreign.Arena.ofShared();
  private final MemorySegment staging = host.allocate(ValueLayout.JAVA_INT, CHUNK);
  private final MemorySegment logitsHost;
  private int position;

  /** A compiled plan for a fixed number of tokens, and its own inputs. */
  private record Step(Program program, Memory inputs, Tensor tokens, Tensor position) {
    void close() {
      program.close();
      inputs.close();
    }
  }

  private record Emitted(
      Plan plan, Tensor tokens, Tensor position, Tensor result, List<Model.Constant> constants) {}

  /**
   * Decodes in fp32.
   *
   * @param parameters the arena that holds {@code model}'s parameters, in its order
   * @param length the longest sequence, at most the model's context
   */
  public Decoder(Device device, Model model, Memory parameters, int length) {
    this(device, model, parameters, length, Precision.FP32);
  }

  /**
   * Decodes in the format that the parameters have.
   *
   * @param training how the parameters are stored, with or without masters
   */
  public Decoder(Device device, Model model, Memory parameters, int length, Precision training) {
    Precision precision = training.parameters() == DType.F32 ? Precision.FP32 : training;
    this.device = device;
    this.length = Math.min(length, model.context());
    List<Model.KeyValueCache> caches = model.caches(1, this.length);
    Emitted chunkPlan =
        emit(model, this.length, caches, Math.min(CHUNK, this.length), false, precision);
    Emitted singlePlan = emit(model, this.length, caches, 1, true, precision);
    this.cache = device.allocate(Arena.KV_CACHE, singlePlan.plan().layout().bytes(Arena.KV_CACHE));
    this.activations =
        device.allocate(
            Arena.ACTIVATIONS,
            Math.max(
                chunkPlan.plan().layout().bytes(Arena.ACTIVATIONS),
                singlePlan.plan().layout().bytes(Arena.ACTIVATIONS)));
    this.chunk = compile(chunkPlan, parameters);
    this.single = compile(singlePlan, parameters);
    this.logits = singlePlan.result();
    this.logitsHost = host.allocate(logits.bytes(), 64);
  }

  private static Emitted emit(
      Model model,
      int length,
      List<Model.KeyValueCache> caches,
      int tokenCount,
      boolean withLogits,
      Precision precision) {
    Tensor tokens = new Tensor("tokens", DType.I32, Shape.of(1, tokenCount), Arena.INPUTS);
    Tensor position = new Tensor("position", DType.I32, Shape.of(), Arena.INPUTS);
    List<Model.Constant> constants = model.constants(length);
    Emitter emit = new Emitter();
    Tensor result = model.hidden(emit, tokens, new Model.Attention.Cached(caches, position));
    if (withLogits) {
      result = model.logits(emit, result);
    }
    List<Tensor> cacheTensors = new ArrayList<>();
    for (Model.KeyValueCache layer : caches) {
      cacheTensors.add(layer.keys());
      cacheTensors.add(layer.values());
    }
    List<ArenaLayout> places =
        List.of(
            ArenaLayout.sequential(
                Arena.PARAMETERS,
                model.parameters().stream().map(Parameter::tensor).map(precision::stored).toList()),
            ArenaLayout.sequential(
                Arena.INPUTS,
                Stream.concat(
                        Stream.of(tokens, position), constants.stream().map(Model.Constant::tensor))
                    .toList()),
            ArenaLayout.sequential(
                Arena.KV_CACHE, cacheTensors.stream().map(precision::stored).toList()));
    Tensor stored = precision.stored(result);
    Plan plan =
        Plan.of(
            withLogits ? "decode" : "prefill",
            RewritePipeline.decoding(precision, emit.ops()),
            List.of(stored),
            places);
    return new Emitted(plan, tokens, position, stored, constants);
  }

  private Step compile(Emitted emitted, Memory parameters) {
    Memory inputs = device.allocate(Arena.INPUTS, emitted.plan().layout().bytes(Arena.INPUTS));
    Constants.write(emitted.constants(), device, inputs, emitted.plan());
    Map<Arena, Memory> memory = new EnumMap<>(Arena.class);
    memory.put(Arena.PARAMETERS, parameters);
    memory.put(Arena.ACTIVATIONS, activations);
    memory.put(Arena.INPUTS, inputs);
    memory.put(Arena.KV_CACHE, cache);
    return new Step(
        device.compile(emitted.plan(), memory), inputs, emitted.tokens(), emitted.position());
  }

  /** Tokens that have been fed since the last {@link #reset}. */
  public int position() {
    return position;
  }

  /** The longest sequence. */
  public int length() {
    return length;
  }

  /** Begins a new sequence. */
  public void reset() {
    position = 0;
  }

  /**
   * Appends {@code tokens} and leaves in {@code logitsOut} the logits that follow the last one.
   *
   * @throws IllegalArgumentException when there are none, or more than the length leaves room for
   */
  public void feed(int[] tokens, float[] logitsOut) {
    if (tokens.length == 0 || position + tokens.length > length) {
      throw new IllegalArgumentException(
          tokens.length + " tokens at position " + position + " of " + length);
    }
    int next = 0;
    int chunkSize = (int) chunk.tokens().elements();
    while (tokens.length - next > chunkSize) {
      run(chunk, tokens, next, chunkSize);
      next += chunkSize;
    }
    for (; next < tokens.length; next++) {
      run(single, tokens, next, 1);
    }
    device.copyOut(activations, single.program().plan().layout().offset(logits), logitsHost);
    for (int i = 0; i < logitsOut.length; i++) {
      logitsOut[i] = Elements.get(logitsHost, logits.dtype(), i);
    }
  }

  private void run(Step step, int[] tokens, int from, int count) {
    var layout = step.program().plan().layout();
    MemorySegment.copy(tokens, from, staging, ValueLayout.JAVA_INT, 0, count);
    device.copyIn(step.inputs(), layout.offset(step.tokens()), staging.asSlice(0, count * 4L));
    staging.set(ValueLayout.JAVA_INT, 0, position);
    device.copyIn(step.inputs(), layout.offset(step.position()), staging.asSlice(0, 4));
    step.program().run();
    position += count;
  }

  @Override
  public void close() {
    chunk.close();
    single.close();
    cache.close();
    activations.close();
    host.close();
  }
}
