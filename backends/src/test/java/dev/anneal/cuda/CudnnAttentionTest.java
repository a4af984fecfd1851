package dev.anneal.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.device.Device;
import dev.anneal.gpu.DoubleControls;
import dev.anneal.gpu.Driver;
import dev.anneal.gpu.PreparedCommand;
import dev.anneal.launch.AttentionSupport.Gradient;
import dev.anneal.launch.AttentionSupport.Scratch;
import dev.anneal.launch.AttentionSupport.Shape;
import dev.anneal.launch.Command;
import dev.anneal.launch.FusedAttention;
import dev.anneal.launch.Place;
import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Elements;
import dev.anneal.plan.Op;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Tensor;
import dev.anneal.random.Philox;
import dev.anneal.reference.Difference;
import dev.anneal.reference.ReferenceInterpreter;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import jcuda.driver.CUdevice;
import jcuda.driver.JCudaDriver;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The graphs that cuDNN is told, as the double computes them, against the reference. */
@ResourceLock("double of CUDA")
class CudnnAttentionTest {
  @TempDir private Path cache;
  private CudaDriver driver;

  @BeforeEach
  void open() {
    CudaDouble.build();
    new CudaBackend().probe();
    CUdevice device = new CUdevice();
    assertEquals(0, JCudaDriver.cuDeviceGet(device, 0));
    driver = new CudaDriver(device, 90);
  }

  @AfterEach
  void close() throws Throwable {
    CudnnControls.refuseAttention(0);
    CudnnControls.version(91000);
    CudnnControls.note(0);
    CudnnControls.scores(0);
    CudnnControls.slow(2, 0);
    CudnnControls.slow(4, 0);
    driver.close();
  }

  private CudnnAttention attention() {
    return attention(true);
  }

  private CudnnAttention attention(boolean deterministic) {
    return new CudnnAttention(
        CudaLibrary.CUDNN.find(CudaLibrary.locator(System.getenv())).orElseThrow(),
        driver.stream(),
        new CudnnTrial(driver, new CacheDirectory(cache), "here"),
        deterministic);
  }

  /** An attention's tensors in 16 bits, on the device and in the reference. */
  private final class Case {
    private final Shape shape;
    private final Op.AttentionForward forward;
    private final Op.AttentionBackward backward;
    private final ReferenceInterpreter reference = new ReferenceInterpreter();
    private final Map<Tensor, Long> places = new HashMap<>();

    Case(Shape shape) {
      this.shape = shape;
      int b = shape.batch();
      int t = shape.tokens();
      int c = shape.heads() * shape.headSize();
      Tensor qkv = tensor("qkv", shape.format(), b, t, 3 * c);
      Tensor out = tensor("out", shape.format(), b, t, c);
      Tensor lse = tensor("lse", DType.F32, b, shape.heads(), t);
      Tensor dOut = tensor("dOut", shape.format(), b, t, c);
      forward = new Op.AttentionForward(out, lse, qkv, shape.heads());
      backward =
          new Op.AttentionBackward(
              tensor("dQkv", shape.format(), b, t, 3 * c),
              tensor("delta", DType.F32, b, shape.heads(), t),
              dOut,
              qkv,
              out,
              lse,
              shape.heads());
      fill(qkv);
      fill(dOut);
      reference.run(List.of(forward, backward));
    }

    private Tensor tensor(String name, DType dtype, int... dims) {
      Tensor tensor = new Tensor(name, dtype, dev.anneal.plan.Shape.of(dims), Arena.ACTIVATIONS);
      places.put(tensor, driver.allocate(name, tensor.bytes()));
      return tensor;
    }

    private void fill(Tensor tensor) {
      short[] bits = new short[(int) tensor.elements()];
      for (int i = 0; i < bits.length; i++) {
        float value =
            tensor
                .dtype()
                .round(
                    (float)
                        Philox.normal(
                            Philox.bits(3, Philox.Purpose.TEST, tensor.name().length(), i, 0)));
        reference.get(tensor)[i] = value;
        bits[i] = bits(tensor.dtype(), value);
      }
      driver.copyIn(at(tensor), MemorySegment.ofArray(bits));
    }

    private static short bits(DType dtype, float value) {
      return dtype == DType.F16 ? Float.floatToFloat16(value) : dev.anneal.plan.Bfloat16.of(value);
    }

    long at(Tensor tensor) {
      return places.get(tensor);
    }

    float[] read(Tensor tensor) {
      float[] values = new float[(int) tensor.elements()];
      MemorySegment bytes = MemorySegment.ofArray(new byte[(int) tensor.bytes()]);
      driver.copyOut(at(tensor), bytes);
      for (int i = 0; i < values.length; i++) {
        values[i] = Elements.get(bytes, tensor.dtype(), i);
      }
      return values;
    }

    /** Scratch that is not zero, so that what ought to be cleared shows. */
    private long scratch(Scratch scratch) {
      long at = driver.allocate("scratch", scratch.bytes());
      byte[] ones = new byte[(int) scratch.bytes()];
      Arrays.fill(ones, (byte) 0x3f);
      driver.copyIn(at, MemorySegment.ofArray(ones));
      return at;
    }

    List<PreparedCommand> commands(CudnnAttention attention) {
      return commands(attention, Gradient.OF_SCORES);
    }

    List<PreparedCommand> commands(CudnnAttention attention, Gradient gradient) {
      Scratch ahead = attention.forward(shape).orElseThrow();
      Scratch back = attention.backward(shape, gradient).orElseThrow();
      long backScratch = scratch(back);
      return List.of(
          attention.prepare(
              new FusedAttention.Forward(
                  shape,
                  Place.at(at(forward.out())),
                  Place.at(at(forward.logSumExp())),
                  Place.at(at(forward.qkv())),
                  Place.at(scratch(ahead)))),
          driver.prepare(new Command.Clear(Place.at(backScratch), back.clearedBytes())),
          attention.prepare(
              new FusedAttention.Backward(
                  shape,
                  gradient,
                  Place.at(at(backward.dQkv())),
                  Place.at(at(backward.delta())),
                  Place.at(at(backward.dOut())),
                  Place.at(at(backward.qkv())),
                  Place.at(at(backward.out())),
                  Place.at(at(backward.logSumExp())),
                  Place.at(backScratch))));
    }

    List<Tensor> results() {
      return List.of(forward.out(), forward.logSumExp(), backward.delta(), backward.dQkv());
    }

    void assertRight() {
      for (Tensor tensor : results()) {
        Difference.Sum sum = new Difference.Sum();
        double[] expected = reference.get(tensor);
        float[] actual = read(tensor);
        for (int i = 0; i < expected.length; i++) {
          sum.add(actual[i], expected[i]);
        }
        double limit = shape.format() == DType.F16 ? 2e-3 : 1e-2;
        double error = sum.difference().relative();
        assertTrue(error < limit, tensor + " is off by " + error);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "BF16, 1, 1, 1, 8",
    "BF16, 2, 5, 2, 16",
    "BF16, 1, 33, 3, 64",
    "BF16, 2, 17, 2, 128",
    "F16, 2, 17, 2, 16",
  })
  void computesAttentionAndItsGradient(DType format, int batch, int tokens, int heads, int size) {
    try (CudnnAttention attention = attention()) {
      Case attended = new Case(new Shape(format, batch, tokens, heads, size));
      attended.commands(attention).forEach(PreparedCommand::enqueue);
      driver.synchronize("testing");
      attended.assertRight();
      assertEquals(Optional.empty(), attention.refusal());
    }
  }

  @Test
  void isCapturedWithTheRestOfAStep() {
    try (CudnnAttention attention = attention()) {
      Case attended = new Case(new Shape(DType.BF16, 2, 9, 2, 8));
      List<PreparedCommand> commands = attended.commands(attention);
      try (Driver.Graph graph =
          driver.capture("attention", () -> commands.forEach(PreparedCommand::enqueue))) {
        float[] untouched = new float[2 * 9 * 16];
        assertArrayEquals(untouched, attended.read(attended.forward.out()));
        graph.launch();
        attended.assertRight();
        List<float[]> first = attended.results().stream().map(attended::read).toList();
        graph.launch();
        for (int i = 0; i < first.size(); i++) {
          assertArrayEquals(first.get(i), attended.read(attended.results().get(i)));
        }
      }
    }
  }

  @Test
  void sumsUpAndClearsTheSumForVersionsThatDoNot() throws Throwable {
    Shape shape = new Shape(DType.BF16, 2, 9, 2, 8);
    for (int version : new int[] {91000, 90500}) {
      CudnnControls.version(version);
      try (CudnnAttention attention = attention()) {
        long sum = 4 * 2 * 9 * 2 * 8 + 128; // In whole 256 bytes.
        Scratch scratch = attention.backward(shape, Gradient.SUMMED).orElseThrow();
        assertEquals(version < 90600 ? sum : 0, scratch.clearedBytes());
        Case attended = new Case(shape);
        List<PreparedCommand> commands = attended.commands(attention, Gradient.SUMMED);
        for (int run = 0; run < 2; run++) {
          commands.forEach(PreparedCommand::enqueue);
          attended.assertRight();
        }
      }
    }
  }

  /** As on Hopper, where all are noted; and as nowhere yet, where none is. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void takesTheEngineThatRepeatsItselfWhateverIsNotedOfIt(int notes) throws Throwable {
    CudnnControls.note(notes);
    try (CudnnAttention attention = attention()) {
      Case attended = new Case(new Shape(DType.BF16, 2, 9, 2, 8));
      List<PreparedCommand> commands = attended.commands(attention);
      assertEquals(Optional.empty(), attention.refusal());
      commands.forEach(PreparedCommand::enqueue);
      attended.assertRight();
      List<float[]> first = attended.results().stream().map(attended::read).toList();
      commands.forEach(PreparedCommand::enqueue);
      for (int i = 0; i < first.size(); i++) {
        assertArrayEquals(first.get(i), attended.read(attended.results().get(i)));
      }
    }
  }

  /** The first engine is the library's own choice, which differs from run to run here. */
  @Test
  void takesTheFirstEngineWhenBitsMayDiffer() throws Throwable {
    CudnnControls.note(2);
    try (CudnnAttention attention = attention(false)) {
      Case attended = new Case(new Shape(DType.BF16, 2, 9, 2, 8));
      List<PreparedCommand> commands = attended.commands(attention);
      commands.forEach(PreparedCommand::enqueue);
      Tensor out = attended.results().getFirst();
      float[] first = attended.read(out);
      commands.forEach(PreparedCommand::enqueue);
      assertFalse(Arrays.equals(first, attended.read(out)), "the double's other bits");
    }
    try (var files = Files.list(cache)) {
      assertEquals(0, files.count(), "nothing was tried");
    }
  }

  @Test
  void doesNotTryAnEngineAgain() throws Throwable {
    Shape shape = new Shape(DType.BF16, 2, 9, 2, 8);
    try (CudnnAttention attention = attention()) {
      assertTrue(attention.forward(shape).isPresent());
      assertTrue(attention.backward(shape, Gradient.OF_SCORES).isPresent());
    }
    try (var files = Files.list(cache)) {
      assertEquals(4, files.count());
    }
    long calls = DoubleControls.CUDA.calls();
    try (CudnnAttention attention = attention()) {
      assertTrue(attention.forward(shape).isPresent());
      assertTrue(attention.backward(shape, Gradient.OF_SCORES).isPresent());
    }
    assertEquals(calls, DoubleControls.CUDA.calls());
  }

  /** Then what is noted decides. */
  @Test
  void doesWithoutATrialWhereThereIsNoMemoryForOne() throws Throwable {
    DoubleControls.CUDA.capacity(100);
    try (CudnnAttention attention = attention()) {
      Shape shape = new Shape(DType.BF16, 2, 9, 2, 8);
      assertTrue(attention.backward(shape, Gradient.OF_SCORES).isPresent());
    } finally {
      DoubleControls.CUDA.capacity(4L << 30);
    }
    try (var files = Files.list(cache)) {
      assertEquals(0, files.count());
    }
  }

  @Test
  void saysWhatItCannotDo() throws Throwable {
    try (CudnnAttention attention = attention()) {
      assertEquals("cuDNN 9.10", attention.name());
      for (Shape unfit :
          List.of(
              new Shape(DType.F32, 1, 8, 1, 64),
              new Shape(DType.BF16, 1, 8, 1, 20),
              new Shape(DType.BF16, 1, 8, 1, 136))) {
        assertEquals(Optional.empty(), attention.forward(unfit));
        assertEquals(Optional.empty(), attention.backward(unfit, Gradient.OF_SCORES));
      }
      assertEquals(Optional.empty(), attention.refusal());
      CudnnControls.refuseAttention(6);
      Shape shape = new Shape(DType.BF16, 1, 8, 1, 64);
      assertTrue(attention.forward(shape).isPresent());
      assertEquals(Optional.empty(), attention.backward(shape, Gradient.OF_SCORES));
      assertEquals(Optional.empty(), attention.backward(shape, Gradient.SUMMED));
      assertEquals(
          "cuDNN 9.10 does not do attention backward, BF16 of 1 x 8 tokens, 1 heads of 64 (no"
              + " engine gives the same bits every time); own kernels do",
          attention.refusal().orElseThrow());
    }
  }

  @Test
  void anotherMajorVersionIsNotUsedAndThatIsSaid() throws Throwable {
    CudnnControls.version(100100);
    try (Device device = CudaDouble.open()) {
      assertEquals(1, device.notes().size(), device.notes() + "");
      assertTrue(
          device
              .notes()
              .getFirst()
              .endsWith(
                  "libcudnn.so.9 does not start: it says that it is cuDNN 10.1, and 9 is needed;"
                      + " own kernels do attention, which is slower"),
          device.notes() + "");
    }
  }

  private static Tensor activations(String name, int... dims) {
    return new Tensor(name, DType.F32, dev.anneal.plan.Shape.of(dims), Arena.ACTIVATIONS);
  }

  /** Forward and backward by the last versions that a device has. */
  private static OpRun both() {
    Tensor qkv = activations("qkv", 1, 21, 96);
    Tensor out = activations("out", 1, 21, 32);
    Tensor lse = activations("lse", 1, 2, 21);
    return new OpRun(
        List.of(
            new Op.AttentionForward(out, lse, qkv, 2),
            new Op.AttentionBackward(
                activations("dQkv", 1, 21, 96),
                activations("delta", 1, 2, 21),
                activations("dOut", 1, 21, 32),
                qkv,
                out,
                lse,
                2)),
        1);
  }

  @Test
  void isADevicesLastVersionAndOwnKernelsStandInForIt() throws Throwable {
    OpRun run = both().stored(Precision.BF16);
    Map<Tensor, double[]> expected = run.reference();
    List<Map<Tensor, float[]>> results = new ArrayList<>();
    for (int refused : new int[] {0, 1, 6, 7}) {
      CudnnControls.refuseAttention(refused);
      try (Device device = CudaDouble.open()) {
        assertEquals(
            "cuDNN 9.10",
            device.kernels().stream()
                .filter(family -> family.op() == Op.AttentionForward.class)
                .findFirst()
                .orElseThrow()
                .ideas()
                .getLast());
        Map<Tensor, float[]> actual = run.on(device);
        assertEquals(Optional.empty(), OpAccuracy.firstError(run, expected, actual));
        assertEquals(refused == 0 ? 0 : 1, device.notes().size());
        results.add(actual);
        both().on(device);
        assertEquals(refused == 0 ? 0 : 1, device.notes().size());
      }
    }
    Tensor out = run.results().getFirst();
    assertFalse(Arrays.equals(results.get(0).get(out), results.get(1).get(out)));
    assertArrayEquals(results.get(1).get(out), results.get(3).get(out));
  }
}
