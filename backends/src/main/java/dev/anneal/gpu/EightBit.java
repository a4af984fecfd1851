package dev.anneal.gpu;

import static dev.anneal.gpu.Argument.f32;
import static dev.anneal.gpu.Argument.i32;
import static dev.anneal.gpu.Argument.i64;

import dev.anneal.gpu.Command.Grid;
import dev.anneal.gpu.Command.Launch;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Operands of 8 bits and their products: quantize.cu, scaled_matmul.cu, or a library. */
final class EightBit {
  static final String FILE = "quantize.cu";
  static final int THREADS = 256;
  private static final int SUM_THREADS = 1024;

  /** Elements whose largest a block finds. */
  private static final int CHUNK = 16384;

  /** Rows and columns that a block transposes. */
  private static final int TILE = 64;

  /** The same of {@link #CONVERTED}. */
  private static final int WIDE_TILE = 128;

  /** The version of quantize that converts by the hardware, sizes that are multiples of 16. */
  private static final int CONVERTED = 3;

  /** Largest sizes of which every block of {@link #CONVERTED} finds the scale itself. */
  private static final int FEW = 4096;

  private static final int MULTIPLE = 16;
  private static final int PLAIN_TILE = 16;

  private EightBit() {}

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

  static List<Command> quantize(Op.Quantize op, OpContext context) {
    long n = op.in().elements();
    long chunks = chunks(op);
    Argument largest = context.scratch(4 * chunks);
    List<Command> commands = new ArrayList<>();
    commands.add(
        Launch.of(
            FILE,
            "largest_of_chunks",
            Grid.of(chunks),
            THREADS,
            largest,
            context.at(op.in()),
            i64(n)));
    commands.addAll(scaled(op, context, largest, chunks));
    return commands;
  }

  /**
   * An op and the quantisation of what it makes, where the op's own kernel finds the largest sizes;
   * nothing where it does not.
   */
  static Optional<List<Command>> madeAndQuantized(Op maker, Op.Quantize op, OpContext context) {
    if (context.version("quantize") < CONVERTED || !maker.writes().contains(op.in())) {
      return Optional.empty();
    }
    OptionalLong count =
        switch (maker) {
          case Op.LayerNormForward o when o.out().equals(op.in()) -> LayerNorm.largest(o, context);
          case Op.LayerNormBackward o when o.dIn().equals(op.in()) -> LayerNorm.largest(o, context);
          case Op.GeluForward o -> Elementwise.largest("gelu_forward", o.out().elements(), context);
          case Op.GeluBackward o ->
              Elementwise.largest("gelu_backward", o.dIn().elements(), context);
          default -> OptionalLong.empty();
        };
    if (count.isEmpty()) {
      return Optional.empty();
    }
    Argument largest = context.scratch(4 * count.getAsLong());
    List<Command> commands =
        new ArrayList<>(
            switch (maker) {
              case Op.LayerNormForward o -> LayerNorm.forward(o, context, largest);
              case Op.LayerNormBackward o -> LayerNorm.backward(o, context, largest);
              case Op.GeluForward o -> Elementwise.gelu(o, context, largest);
              case Op.GeluBackward o -> Elementwise.geluBackward(o, context, largest);
              default -> throw new IllegalStateException(maker.kind());
            });
    commands.addAll(scaled(op, context, largest, count.getAsLong()));
    return Optional.of(commands);
  }

  /** The scale of some largest sizes and the conversion, in one launch where they are few. */
  private static List<Command> scaled(
      Op.Quantize op, OpContext context, Argument largest, long count) {
    int k = op.in().shape().dim(-1);
    int m = Math.toIntExact(op.in().elements() / k);
    int version = version(op, m, k, context);
    if (version < CONVERTED) {
      return List.of(scale(op, context, largest, count), convert(op, m, k, version, context));
    }
    boolean itself = count <= FEW;
    Launch convert =
        convert(
            op,
            m,
            k,
            version,
            context,
            itself ? largest : Argument.address(0),
            i32(itself ? Math.toIntExact(count) : 0),
            f32(op.format().largest()));
    return itself ? List.of(convert) : List.of(scale(op, context, largest, count), convert);
  }

  /** The scale, of some largest sizes. */
  private static Launch scale(Op.Quantize op, OpContext context, Argument largest, long count) {
    return Launch.of(
        FILE,
        "scale_of_largest",
        Grid.of(1),
        SUM_THREADS,
        context.at(op.scale()),
        largest,
        i64(count),
        f32(op.format().largest()));
  }

  private static Launch convert(
      Op.Quantize op, int m, int k, int version, OpContext context, Argument... more) {
    List<Argument> arguments =
        new ArrayList<>(
            List.of(
                context.at(op.out()),
                context.at(op.transposed()),
                context.at(op.scale()),
                context.at(op.in()),
                i32(m),
                i32(k),
                format(op.writes().getFirst().dtype())));
    arguments.addAll(List.of(more));
    return Launch.of(
        FILE,
        "quantize_v" + version,
        switch (version) {
          case 1 -> Grid.covering(op.in().elements(), THREADS);
          case 2 -> Grid.of(Math.ceilDiv(k, TILE), Math.ceilDiv(m, TILE));
          default -> Grid.of(Math.ceilDiv(k, WIDE_TILE), Math.ceilDiv(m, WIDE_TILE));
        },
        THREADS,
        arguments.toArray(Argument[]::new));
  }

  /** Blocks that find the largest of what is quantised. */
  static long chunks(Op.Quantize op) {
    return Math.ceilDiv(op.in().elements(), CHUNK);
  }

  /** Blocks that quantise it by {@link #CONVERTED}. */
  static long wideTiles(int m, int k) {
    return Math.ceilDiv(k, WIDE_TILE) * (long) Math.ceilDiv(m, WIDE_TILE);
  }

  /** Whether blocks of {@link #CONVERTED} do all but finding the largest sizes. */
  static boolean isConverted(Op.Quantize op, OpContext context) {
    int k = op.in().shape().dim(-1);
    int m = Math.toIntExact(op.in().elements() / k);
    return version(op, m, k, context) == CONVERTED && chunks(op) <= FEW;
  }

  /** The chosen version, or one before it that can do this. */
  private static int version(Op.Quantize op, int m, int k, OpContext context) {
    int most =
        op.writes().getFirst().dtype() == DType.F32
            ? 1
            : m % MULTIPLE == 0 && k % MULTIPLE == 0 ? CONVERTED : 2;
    return Math.min(most, context.version("quantize"));
  }

  static List<Command> matmul(Op.ScaledMatmul op, OpContext context) {
    int m = op.a().shape().dim(0);
    int k = op.a().shape().dim(1);
    int n = op.b().shape().dim(0);
    Optional<List<Command>> byLibrary = LibraryMatmul.scaled(op, context);
    if (byLibrary.isPresent()) {
      return byLibrary.get();
    }
    return List.of(
        Launch.of(
            "scaled_matmul.cu",
            "scaled_matmul_v1",
            Grid.of(Math.ceilDiv(n, PLAIN_TILE), Math.ceilDiv(m, PLAIN_TILE)),
            THREADS,
            context.at(op.out()),
            context.at(op.a()),
            context.at(op.b()),
            context.at(op.aScale()),
            context.at(op.bScale()),
            context.at(op.bias()),
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
