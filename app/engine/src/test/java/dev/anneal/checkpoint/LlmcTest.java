package dev.anneal.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.failure.Failure;
import dev.anneal.model.Gpt2;
import dev.anneal.model.ModelConfig;
import dev.anneal.model.Parameter;
import dev.anneal.plan.Bfloat16;
import dev.anneal.plan.DType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LlmcTest {
  private static final ModelConfig CONFIG = new Gpt2.Config(2, 2, 6, 5, 100);
  private static final int PADDED = 128;

  @TempDir Path directory;

  /** A different number for every element of every parameter. */
  private static float value(String name, long element) {
    return (float) (name.hashCode() % 1000) / 1000 + element * 0.001f;
  }

  private static final ParameterSource SOURCE =
      (name, first, floats) -> {
        for (long i = 0; i < floats.byteSize() / 4; i++) {
          floats.setAtIndex(ValueLayout.JAVA_FLOAT, i, value(name, first + i));
        }
      };

  private Path model(DType dtype) {
    Path path = directory.resolve("model.bin");
    DurableFile.write(path, LlmcCheckpoint.writer(CONFIG, PADDED, dtype, SOURCE));
    return path;
  }

  private static float[] read(ParameterSource source, String name, int first, int count) {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment floats = arena.allocate(4L * count);
      source.read(name, first, floats);
      return floats.toArray(ValueLayout.JAVA_FLOAT);
    }
  }

  @Test
  void theLayoutHasTheModelsParameters() {
    Map<String, List<Integer>> model =
        CONFIG.model().parameters().stream()
            .map(Parameter::tensor)
            .collect(Collectors.toMap(t -> t.name(), t -> t.shape().dims()));
    LlmcLayout layout = LlmcLayout.of(CONFIG, PADDED);
    Map<String, List<Integer>> file =
        layout.parameters().stream()
            .collect(Collectors.toMap(p -> p.name(), p -> p.shape().dims()));
    assertEquals(model, file);
    assertEquals(layout.elements() * 2, LlmcLayout.bytes(2, 5, 6, PADDED, 2));
    assertEquals(
        "[wte, wpe, ln1w, ln1b, qkvw, qkvb, attprojw, attprojb, ln2w, ln2b, fcw, fcb, fcprojw,"
            + " fcprojb, lnfw, lnfb]",
        layout.tensors().keySet().toString());
    // A tensor holds all layers: the second layer's part follows the first's.
    List<LlmcLayout.Parameter> qkvw = layout.tensors().get("qkvw");
    assertEquals("h.1.attn.c_attn.weight", qkvw.get(1).name());
    assertEquals(qkvw.get(0).first() + 18 * 6, qkvw.get(1).first());
  }

  @Test
  void float32IsKeptExactly() {
    try (LlmcCheckpoint file = LlmcCheckpoint.open(model(DType.F32))) {
      assertEquals(CONFIG, file.config());
      assertEquals(PADDED, file.paddedVocabulary());
      assertEquals(DType.F32, file.dtype());
      Map<String, Integer> seen = new HashMap<>();
      file.readAll(
          (name, first, floats) -> {
            float[] values = floats.toArray(ValueLayout.JAVA_FLOAT);
            for (int i = 0; i < values.length; i++) {
              assertEquals(value(name, first + i), values[i]);
            }
            seen.merge(name, values.length, Integer::sum);
          });
      assertEquals(file.layout().parameters().size(), seen.size());
      assertEquals(file.layout().elements(), seen.values().stream().mapToInt(i -> i).sum());
      assertArrayEquals(
          new float[] {value("ln_f.bias", 4), value("ln_f.bias", 5)},
          read(file, "ln_f.bias", 4, 2));
      assertThrows(IndexOutOfBoundsException.class, () -> read(file, "ln_f.bias", 5, 2));
      assertThrows(IllegalArgumentException.class, () -> read(file, "lm_head.weight", 0, 1));
    }
  }

  @Test
  void bfloat16IsRoundedToTheNearest() throws IOException {
    Path path = model(DType.BF16);
    try (LlmcCheckpoint file = LlmcCheckpoint.open(path)) {
      assertEquals(DType.BF16, file.dtype());
      for (float f : read(file, "h.1.mlp.c_fc.weight", 0, 144)) {
        assertEquals(0, Float.floatToRawIntBits(f) & 0xFFFF);
      }
      float exact = value("wte.weight", 700);
      assertEquals(exact, read(file, "wte.weight", 700, 1)[0], Math.ulp(exact) * (1 << 15));
      Path copy = directory.resolve("copy.bin");
      DurableFile.write(copy, LlmcCheckpoint.writer(CONFIG, PADDED, DType.BF16, file));
      assertEquals(-1, Files.mismatch(path, copy));
    }
  }

  @Property
  void roundingToBfloat16IsTheNearestEven(@ForAll int bits) {
    float value = Float.intBitsToFloat(bits);
    float rounded = Bfloat16.toFloat(Bfloat16.of(value));
    if (Float.isNaN(value) || Float.isInfinite(value)) {
      assertEquals(value, rounded);
      return;
    }
    int down = bits & 0xFFFF0000;
    double below = Float.intBitsToFloat(down);
    boolean last = Float.isInfinite(Float.intBitsToFloat(down + 0x10000));
    double above =
        last ? Math.copySign(0x1.0p128, value) : (double) Float.intBitsToFloat(down + 0x10000);
    double toBelow = Math.abs(value - below);
    double toAbove = Math.abs(above - value);
    boolean up = toAbove < toBelow || toAbove == toBelow && (down & 0x10000) != 0;
    assertEquals(up ? down + 0x10000 : down, Float.floatToRawIntBits(rounded));
  }

  private String refusal(int position, int value) throws IOException {
    byte[] bytes = Files.readAllBytes(model(DType.F32));
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(position * 4, value);
    return refusal(Files.write(directory.resolve("bad.bin"), bytes));
  }

  private static String refusal(Path path) {
    String message =
        assertThrows(Failure.class, () -> LlmcCheckpoint.open(path).close()).getMessage();
    assertTrue(message.contains(path.toString()), message);
    assertFalse(message.contains("\n"), message);
    return message;
  }

  @Test
  void badHeaders() throws IOException {
    for (int magic : new int[] {20240327, 20240328, 20240520, 20240522, 20240527, 20240801}) {
      assertTrue(refusal(0, magic).contains(magic + ", "), String.valueOf(magic));
    }
    assertTrue(refusal(0, Integer.reverseBytes(20240326)).contains("big-endian"));
    assertTrue(refusal(0, 0x04034b50).contains("expected 20240326, a model checkpoint"));
    for (int version : new int[] {-1, 0, 1, 2, 4, 7}) {
      assertTrue(refusal(1, version).contains("version is " + version));
    }
    // A float32 file read as bfloat16.
    assertTrue(refusal(1, 5).contains("copy it again"));
    for (int i = 2; i <= 7; i++) {
      assertTrue(refusal(i, 0).contains(" is 0; expected at least 1"));
      assertTrue(refusal(i, -3).contains(" is -3; expected at least 1"));
      refusal(i, Integer.MAX_VALUE);
    }
    assertTrue(refusal(5, 4).contains("4 heads do not divide its 6 channels"));
    assertTrue(refusal(7, 99).contains("99, is below the vocabulary, 100"));
    assertTrue(refusal(4, 3).contains("3 layers"));
    assertTrue(refusal(6, 2_000_000_000).contains("no file can hold"));
  }

  @Test
  void badSizes() throws IOException {
    byte[] bytes = Files.readAllBytes(model(DType.F32));
    Path bad = directory.resolve("bad.bin");
    for (int size : new int[] {0, 7, 1023, 1024, bytes.length - 1, bytes.length + 1}) {
      Files.write(bad, Arrays.copyOf(bytes, size));
      assertTrue(refusal(bad).contains(" " + size + " bytes"));
    }
    assertTrue(refusal(directory.resolve("missing")).contains("does not exist"));
    assertTrue(refusal(directory).contains("is a directory"));
  }

  /** B = 1, T = 2; every number is its place behind the header. */
  private byte[] state(long elements) {
    int numbers = Math.toIntExact(4 + 200 + 1 + elements);
    ByteBuffer bytes = ByteBuffer.allocate(1024 + numbers * 4).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(20240327).putInt(2).putInt(1).putInt(2).position(1024);
    for (int i = 0; i < 4; i++) {
      bytes.putInt(i);
    }
    for (int i = 4; i < numbers; i++) {
      bytes.putFloat(i);
    }
    return bytes.array();
  }

  @Test
  void aDebugStateIsRead() throws IOException {
    Path path = directory.resolve("state.bin");
    try (LlmcCheckpoint model = LlmcCheckpoint.open(model(DType.F32))) {
      Files.write(path, state(model.layout().elements()));
      try (LlmcDebugState state = LlmcDebugState.open(path, model)) {
        assertEquals(1, state.batch());
        assertEquals(2, state.sequence());
        assertArrayEquals(new int[] {0, 1}, state.tokens());
        assertArrayEquals(new int[] {2, 3}, state.targets());
        assertEquals(204, state.loss());
        try (Arena arena = Arena.ofShared()) {
          MemorySegment floats = arena.allocate(8);
          state.readLogits(198, floats);
          assertEquals(203, floats.getAtIndex(ValueLayout.JAVA_FLOAT, 1));
          assertThrows(IndexOutOfBoundsException.class, () -> state.readLogits(199, floats));
        }
        assertArrayEquals(new float[] {205, 206}, read(state, "wte.weight", 0, 2));
        long last = 204 + model.layout().elements();
        assertArrayEquals(new float[] {last}, read(state, "ln_f.bias", 5, 1));
      }
    }
  }

  @Test
  void badDebugStates() throws IOException {
    Path path = directory.resolve("state.bin");
    try (LlmcCheckpoint model = LlmcCheckpoint.open(model(DType.F32))) {
      byte[] good = state(model.layout().elements());
      int[][] edits = {
        {0, 20240326},
        {1, 1},
        {2, 0},
        {2, -1},
        {2, 2},
        {3, 6},
        {3, 1},
        {2, 1 << 30},
        {256, 100},
        {259, -1}
      };
      for (int[] edit : edits) {
        byte[] bytes = good.clone();
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(edit[0] * 4, edit[1]);
        Files.write(path, bytes);
        assertThrows(Failure.class, () -> LlmcDebugState.open(path, model));
      }
      Files.write(path, Arrays.copyOf(good, good.length - 1));
      assertThrows(Failure.class, () -> LlmcDebugState.open(path, model));
    }
  }
}
