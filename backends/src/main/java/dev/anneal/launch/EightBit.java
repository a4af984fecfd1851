package dev.anneal.launch;

import static dev.anneal.launch.Argument.f32;
import static dev.anneal.launch.Argument.i32;
import static dev.anneal.launch.Argument.i64;
import static dev.anneal.launch.Place.data;

import dev.anneal.device.Suits;
import dev.anneal.device.Suits.Feature;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Operands of 8 bits and their products: quantize.cu, scaled_matmul.cu, or a library. OpenCL has
 * none.
 */
final class EightBit {
  static final KernelFile FILE = KernelFile.of("quantize.cu");
  static final int THREADS = 256;
  private static final int SUM_THREADS = 1024;

  /** Elements whose largest a block finds. */
  private static final int CHUNK = 16384;

  /** Rows and columns that a block transposes. */
  private static final int TILE = 64;

  /** The same of {@link #CONVERTED}. */
  private static final int WIDE_TILE = 128;

  /** Largest sizes of which every block of {@link #CONVERTED} finds the scale itself. */
  private static final int FEW = 4096;

  private static final int MULTIPLE = 16;
  private static final int PLAIN_TILE = 16;

  /** Converts by the hardware, sizes that are multiples of 16. */
  private static final Version<Op.Quantize, CudaContext> CONVERTED =
      Version.where(
          "the hardware's rounding, 16 bytes per store; the largest found by the kernel before",
          (op, context) -> isConvertible(op),
          (op, context) -> quantize(3, op, context));

  private static final Version<Op.Quantize, CudaContext> IN_TILES =
      Version.where(
          "tiles of 64 x 64, transposed on the way",
          (op, context) -> isNarrow(op),
          (op, context) -> quantize(2, op, context));

  static final Kernel<Op.Quantize> QUANTIZE =
      new Kernel<>(
          "quantize",
          Op.Quantize.class,
          List.of(Version.numbered(1, Ideas.PLAIN, EightBit::quantize), IN_TILES, CONVERTED),
          List.of());

  static final Version<Op.ScaledMatmul, CudaContext> BY_LIBRARY =
      new Version<>(name -> name, Suits.ALL.needing(Feature.MATRIX_LIBRARY), LibraryMatmul::scaled);

  static final Kernel<Op.ScaledMatmul> MATMUL =
      new Kernel<>(
          "scaled_matmul",
          Op.ScaledMatmul.class,
          List.of(Version.of(Ideas.PLAIN, EightBit::matmul), BY_LIBRARY),
          List.of());

  private EightBit() {}

  private static int k(Op.Quantize op) {
    return op.in().shape().dim(-1);
  }

  private static int m(Op.Quantize op) {
    return Math.toIntExact(op.in().elements() / k(op));
  }

  private static boolean isNarrow(Op.Quantize op) {
    return op.writes().getFirst().dtype() != DType.F32;
  }

  private static boolean isConvertible(Op.Quantize op) {
    return isNarrow(op) && m(op) % MULTIPLE == 0 && k(op) % MULTIPLE == 0;
  }

  /** As fp8.cuh numbers them. */
  static Argument format(DType dtype) {
    return i32(
        switch (dtype) {
          case F32 -> 0;
          case F8E4M3 -> 1;
          case F8E5M2 -> 2;
          case F8E4M3FNUZ -> 3;
          case F8E5M2FNUZ -> 4;
          case BF16, F16, I32 -> throw new IllegalArgumentException(dtype + " has no 8 bits");
        });
  }

  private static List<Command> quantize(int version, Op.Quantize op, CudaContext context) {
    long n = op.in().elements();
    long chunks = chunks(op);
    Place largest = context.scratch(4 * chunks);
    List<Command> commands = new ArrayList<>();
    commands.add(
        Launch.of(
            FILE, "largest_of_chunks", Grid.of(chunks), THREADS, largest, data(op.in()), i64(n)));
    commands.addAll(scaled(version, op, largest, chunks));
    return commands;
  }

  /**
   * An op and the quantisation of what it makes, where the op's own kernel finds the largest sizes;
   * nothing where it does not.
   */
  static Optional<List<Command>> madeAndQuantized(Op maker, Op.Quantize op, CudaContext context) {
    if (!context.reaches(QUANTIZE, CONVERTED) || !maker.writes().contains(op.in())) {
      return Optional.empty();
    }
    OptionalLong count =
        switch (maker) {
          case Op.LayerNormForward o when o.out().equals(op.in()) -> LayerNorm.largest(o, context);
          case Op.LayerNormBackward o when o.dIn().equals(op.in()) ->
              LayerNormGradient.largest(o, context);
          case Op.GeluForward o -> Gelu.largest(o, context);
          case Op.GeluBackward o -> Gelu.largest(o, context);
          default -> OptionalLong.empty();
        };
    if (count.isEmpty()) {
      return Optional.empty();
    }
    Place largest = context.scratch(4 * count.getAsLong());
    List<Command> commands =
        new ArrayList<>(
            switch (maker) {
              case Op.LayerNormForward o -> LayerNorm.forward(o, context, largest).orElseThrow();
              case Op.LayerNormBackward o -> LayerNormGradient.backward(o, context, largest);
              case Op.GeluForward o -> Gelu.forward(o, context, largest);
              case Op.GeluBackward o -> Gelu.backward(o, context, largest);
              default -> throw new IllegalStateException(maker.kind());
            });
    int version = isConvertible(op) ? 3 : isNarrow(op) ? 2 : 1;
    commands.addAll(scaled(version, op, largest, count.getAsLong()));
    return Optional.of(commands);
  }

  /** The scale of some largest sizes and the conversion, in one launch where they are few. */
  private static List<Command> scaled(int version, Op.Quantize op, Place largest, long count) {
    if (version < 3) {
      return List.of(scale(op, largest, count), convert(version, op));
    }
    boolean itself = count <= FEW;
    Launch convert =
        convert(
            version,
            op,
            itself ? largest : Place.NONE,
            i32(itself ? count : 0),
            f32(op.format().largest()));
    return itself ? List.of(convert) : List.of(scale(op, largest, count), convert);
  }

  /** The scale, of some largest sizes. */
  private static Launch scale(Op.Quantize op, Place largest, long count) {
    return Launch.of(
        FILE,
        "scale_of_largest",
        Grid.of(1),
        SUM_THREADS,
        data(op.scale()),
        largest,
        i64(count),
        f32(op.format().largest()));
  }

  private static Launch convert(int version, Op.Quantize op, Argument... more) {
    int m = m(op);
    int k = k(op);
    List<Argument> arguments =
        new ArrayList<>(
            List.of(
                data(op.out()),
                data(op.transposed()),
                data(op.scale()),
                data(op.in()),
                i32(m),
                i32(k),
                format(op.writes().getFirst().dtype())));
    arguments.addAll(List.of(more));
    Grid grid =
        switch (version) {
          case 1 -> Grid.covering(op.in().elements(), THREADS);
          case 2 -> Grid.of(Math.ceilDiv(k, TILE), Math.ceilDiv(m, TILE));
          default -> Grid.of(Math.ceilDiv(k, WIDE_TILE), Math.ceilDiv(m, WIDE_TILE));
        };
    return Launch.of(FILE, "quantize_v" + version, grid.inBlocksOf(THREADS), arguments);
  }

  /** Blocks that find the largest of what is quantised. */
  static long chunks(Op.Quantize op) {
    return Math.ceilDiv(op.in().elements(), CHUNK);
  }

  /** Blocks that quantise it by {@link #CONVERTED}. */
  static long wideTiles(Op.Quantize op) {
    return Math.ceilDiv(k(op), WIDE_TILE) * (long) Math.ceilDiv(m(op), WIDE_TILE);
  }

  /** Its sizes as {@code struct Weight} of quantize.cu has them. */
  static long sizes(Op.Quantize op) {
    return (long) k(op) << 32 | m(op);
  }

  /** Whether blocks of {@link #CONVERTED} do all but finding the largest sizes. */
  static boolean isConverted(Op.Quantize op, CudaContext context) {
    return context.reaches(QUANTIZE, CONVERTED) && isConvertible(op) && chunks(op) <= FEW;
  }

  private static List<Command> matmul(Op.ScaledMatmul op, CudaContext context) {
    int m = op.a().shape().dim(0);
    int k = op.a().shape().dim(1);
    int n = op.b().shape().dim(0);
    return List.of(
        Launch.of(
            KernelFile.of("scaled_matmul.cu"),
            "scaled_matmul_v1",
            Grid.of(Math.ceilDiv(n, PLAIN_TILE), Math.ceilDiv(m, PLAIN_TILE)),
            THREADS,
            data(op.out()),
            data(op.a()),
            data(op.b()),
            data(op.aScale()),
            data(op.bScale()),
            data(op.bias()),
            i32(m),
            i32(n),
            i32(k),
            format(op.a().dtype()),
            format(op.b().dtype()),
            i32(op.accumulate())));
  }

  /** Whether a library is given a product: it takes no other operands. */
  static boolean isEightBit(Tensor tensor) {
    return tensor.dtype().bytes() == 1;
  }
}
