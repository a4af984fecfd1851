package dev.anneal.gpu;

import static dev.anneal.gpu.Argument.address;
import static dev.anneal.gpu.Argument.f32;
import static dev.anneal.gpu.Argument.i32;
import static dev.anneal.gpu.Argument.i64;

import dev.anneal.gpu.Command.Grid;
import dev.anneal.gpu.Command.Launch;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Optional;

/** Operands of 8 bits and their products: quantize.cu, scaled_matmul.cu, or a library. */
final class EightBit {
  private static final int THREADS = 256;
  private static final int SUM_THREADS = 1024;

  /** Elements whose largest a block finds. */
  private static final int CHUNK = 8192;

  /** Rows and columns that a block transposes. */
  private static final int TILE = 64;

  private static final int PLAIN_TILE = 16;

  private EightBit() {}

  /** As fp8.cuh numbers them. */
  private static Argument format(DType dtype) {
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
    int k = op.in().shape().dim(-1);
    int m = Math.toIntExact(n / k);
    DType stored = op.writes().getFirst().dtype();
    long chunks = Math.ceilDiv(n, CHUNK);
    long partial = context.workspace().scratch(4 * chunks);
    boolean tiles = context.version("quantize") == 2 && stored != DType.F32;
    return List.of(
        Launch.of(
            "quantize.cu",
            "largest_of_chunks",
            Grid.of(chunks),
            THREADS,
            address(partial),
            context.at(op.in()),
            i64(n)),
        Launch.of(
            "quantize.cu",
            "scale_of_largest",
            Grid.of(1),
            SUM_THREADS,
            context.at(op.scale()),
            address(partial),
            i64(chunks),
            f32(op.format().largest())),
        Launch.of(
            "quantize.cu",
            tiles ? "quantize_v2" : "quantize_v1",
            tiles
                ? Grid.of(Math.ceilDiv(k, TILE), Math.ceilDiv(m, TILE))
                : Grid.covering(n, THREADS),
            THREADS,
            context.at(op.out()),
            context.at(op.transposed()),
            context.at(op.scale()),
            context.at(op.in()),
            i32(m),
            i32(k),
            format(stored)));
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
