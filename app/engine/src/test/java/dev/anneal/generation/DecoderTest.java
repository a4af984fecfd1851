package dev.anneal.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.model.Gpt2;
import dev.anneal.model.LlamaConfig;
import dev.anneal.model.Model;
import dev.anneal.model.Parameter;
import dev.anneal.model.RotaryPositions;
import dev.anneal.model.Sizes;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.plan.DType;
import dev.anneal.plan.Emitter;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import dev.anneal.random.Philox;
import dev.anneal.run.Devices;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Decoding with a cache gives the logits of the whole forward pass, which training checks: token by
 * token, in chunks of the prompt, up to the context's last token and beyond it.
 */
@ParameterizedClass
@MethodSource("models")
class DecoderTest {
  private static final int CONTEXT = 40;
  private static final int VOCABULARY = 19;

  @org.junit.jupiter.params.Parameter private Model model;

  /**
   * Not the same bits: the products have other shapes, so their sums another order. Logits are up
   * to 2.
   */
  private static final float TOLERANCE = 2e-6f;

  private Device device;
  private Memory parameters;

  /** One of each family; the Llama's heads share heads of keys, and turn as in long contexts. */
  static List<Model> models() {
    Sizes sizes = new Sizes(2, 4, 32, CONTEXT, VOCABULARY);
    RotaryPositions rope =
        new RotaryPositions(100, Optional.of(new RotaryPositions.Scaling(4, 1, 4, 16)));
    return List.of(
        new Gpt2.Config(2, 2, 32, CONTEXT, VOCABULARY).model(),
        new LlamaConfig(sizes, 2, 6, 44, rope, 1e-5, false).model());
  }

  @BeforeEach
  void open() {
    device = Devices.open("cpu", 0, DeviceOptions.threads(2));
    ArenaLayout layout = parameterLayout();
    parameters = device.allocate(Arena.PARAMETERS, layout.bytes());
    int stream = 0;
    for (Parameter parameter : model.parameters()) {
      float[] values = new float[(int) parameter.tensor().elements()];
      for (int i = 0; i < values.length; i++) {
        values[i] =
            (float) (0.3 * Philox.normal(Philox.bits(8, Philox.Purpose.TEST, stream, i, 0)));
      }
      device.copyIn(parameters, layout.offsets().get(parameter.tensor()), bytes(values));
      stream++;
    }
  }

  @AfterEach
  void close() {
    parameters.close();
    device.close();
  }

  private static MemorySegment bytes(float[] values) {
    MemorySegment segment =
        java.lang.foreign.Arena.ofAuto().allocate(ValueLayout.JAVA_FLOAT, values.length);
    MemorySegment.copy(values, 0, segment, ValueLayout.JAVA_FLOAT, 0, values.length);
    return segment;
  }

  private ArenaLayout parameterLayout() {
    return ArenaLayout.sequential(
        Arena.PARAMETERS, model.parameters().stream().map(Parameter::tensor).toList());
  }

  private static int[] text(int length) {
    int[] tokens = new int[length];
    for (int i = 0; i < length; i++) {
      tokens[i] = (i * i + 7 * i + 3) % VOCABULARY;
    }
    return tokens;
  }

  /** The logits that follow the last of {@code tokens}, by the forward pass of training. */
  private float[] wholeForward(int[] tokens) {
    int length = tokens.length;
    Tensor input = new Tensor("tokens", DType.I32, Shape.of(1, length), Arena.INPUTS);
    List<Model.Constant> constants = model.constants(length);
    Emitter emit = new Emitter();
    Tensor hidden = model.hidden(emit, input, new Model.Attention.Causal());
    Tensor logits = model.logits(emit, hidden);
    List<ArenaLayout> places =
        List.of(
            parameterLayout(),
            ArenaLayout.sequential(
                Arena.INPUTS,
                Stream.concat(Stream.of(input), constants.stream().map(Model.Constant::tensor))
                    .toList()));
    Plan plan = Plan.of("whole", emit.ops(), List.of(logits), places);
    MemorySegment in = java.lang.foreign.Arena.ofAuto().allocate(ValueLayout.JAVA_INT, length);
    MemorySegment.copy(tokens, 0, in, ValueLayout.JAVA_INT, 0, length);
    MemorySegment out = java.lang.foreign.Arena.ofAuto().allocate(logits.bytes(), 64);
    try (Memory inputs = device.allocate(Arena.INPUTS, plan.layout().bytes(Arena.INPUTS));
        Memory activations =
            device.allocate(Arena.ACTIVATIONS, plan.layout().bytes(Arena.ACTIVATIONS));
        Program program =
            device.compile(
                plan,
                Map.of(
                    Arena.PARAMETERS,
                    parameters,
                    Arena.INPUTS,
                    inputs,
                    Arena.ACTIVATIONS,
                    activations))) {
      device.copyIn(inputs, plan.layout().offset(input), in);
      for (Model.Constant constant : constants) {
        device.copyIn(
            inputs, plan.layout().offset(constant.tensor()), bytes(constant.values().get()));
      }
      program.run();
      device.copyOut(activations, plan.layout().offset(logits), out);
    }
    int padded = logits.shape().dim(-1);
    float[] last = new float[VOCABULARY];
    MemorySegment.copy(
        out, ValueLayout.JAVA_FLOAT, 4L * padded * (length - 1), last, 0, VOCABULARY);
    return last;
  }

  private static float[] decoded(Decoder decoder, int[]... pieces) {
    float[] logits = new float[VOCABULARY];
    decoder.reset();
    for (int[] piece : pieces) {
      decoder.feed(piece, logits);
    }
    return logits;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 15, 16, 17, 18, 31, 32, 33, 34, 39, 40})
  void aPromptsLogitsAreThoseOfTheWholeForwardPass(int length) {
    int[] prompt = text(length);
    try (Decoder decoder = new Decoder(device, model, parameters, CONTEXT)) {
      assertArrayEquals(wholeForward(prompt), decoded(decoder, prompt), TOLERANCE);
      assertEquals(length, decoder.position());
    }
  }

  @Test
  void tokenByTokenEachHasTheLogitsOfTheWholeForwardPass() {
    int[] tokens = text(CONTEXT);
    float[] logits = new float[VOCABULARY];
    try (Decoder decoder = new Decoder(device, model, parameters, CONTEXT)) {
      for (int i = 0; i < CONTEXT; i++) {
        decoder.feed(new int[] {tokens[i]}, logits);
        assertArrayEquals(wholeForward(Arrays.copyOf(tokens, i + 1)), logits, TOLERANCE, "at " + i);
      }
    }
  }

  @Test
  void whereAPromptIsCutDoesNotMatter() {
    int[] tokens = text(37);
    try (Decoder decoder = new Decoder(device, model, parameters, CONTEXT)) {
      float[] whole = decoded(decoder, tokens);
      for (int cut : new int[] {1, 5, 16, 20, 36}) {
        float[] pieces =
            decoded(
                decoder,
                Arrays.copyOf(tokens, cut),
                Arrays.copyOfRange(tokens, cut, tokens.length));
        assertArrayEquals(whole, pieces, TOLERANCE, "cut at " + cut);
      }
    }
  }

  @Test
  void aNewSequenceSeesNothingOfTheOneBefore() {
    try (Decoder decoder = new Decoder(device, model, parameters, CONTEXT)) {
      float[] first = decoded(decoder, text(3));
      decoded(decoder, text(CONTEXT));
      assertArrayEquals(first, decoded(decoder, text(3)));
    }
  }

  @Test
  void theContextsLastTokenIsTheLastThatIsTaken() {
    float[] logits = new float[VOCABULARY];
    try (Decoder decoder = new Decoder(device, model, parameters, CONTEXT)) {
      decoder.feed(text(CONTEXT), logits);
      assertThrows(IllegalArgumentException.class, () -> decoder.feed(new int[1], logits));
      decoder.reset();
      assertThrows(IllegalArgumentException.class, () -> decoder.feed(text(41), logits));
      assertThrows(IllegalArgumentException.class, () -> decoder.feed(new int[0], logits));
      // What was refused has changed nothing.
      assertArrayEquals(wholeForward(text(5)), decoded(decoder, text(5)), TOLERANCE);
    }
    try (Decoder decoder = new Decoder(device, model, parameters, 1000)) {
      assertEquals(CONTEXT, decoder.length(), "no longer than the position embeddings");
    }
  }

  /** The likeliest token each time, by the whole forward pass over the window. */
  private List<Integer> greedily(int[] prompt, int count, int window) {
    List<Integer> drawn = new ArrayList<>();
    int[] context = Arrays.copyOfRange(prompt, Math.max(0, prompt.length - window), prompt.length);
    for (int i = 0; i < count; i++) {
      float[] logits = wholeForward(context);
      int best = 0;
      for (int token = 1; token < VOCABULARY; token++) {
        best = logits[token] > logits[best] ? token : best;
      }
      drawn.add(best);
      // A full window goes on with its later half, of which the new token is the last.
      int kept = context.length == window ? Math.max(1, window / 2) - 1 : context.length;
      context = Arrays.copyOfRange(context, context.length - kept, context.length + 1);
      context[kept] = best;
    }
    return drawn;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 39, 40, 55})
  void aTextBeyondTheContextIsThatOfWholeForwardPasses(int promptLength) {
    int count = 70;
    List<Integer> heard = new ArrayList<>();
    try (Decoder decoder = new Decoder(device, model, parameters, CONTEXT)) {
      new Generator(decoder, VOCABULARY)
          .generate(
              text(promptLength),
              count,
              new SamplingSettings(0, 0, 1, 1),
              token -> heard.add(token));
    }
    assertEquals(greedily(text(promptLength), count, CONTEXT), heard);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void evenTheSmallestWindowsGoOn(int window) {
    List<Integer> heard = new ArrayList<>();
    try (Decoder decoder = new Decoder(device, model, parameters, window)) {
      new Generator(decoder, VOCABULARY)
          .generate(text(2), 12, new SamplingSettings(0, 0, 1, 1), token -> heard.add(token));
    }
    assertEquals(greedily(text(2), 12, window), heard);
  }
}
