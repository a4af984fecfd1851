package dev.anneal.launch;

import static dev.anneal.launch.Argument.f32;
import static dev.anneal.launch.Argument.i32;
import static dev.anneal.launch.Place.activations;
import static dev.anneal.launch.Place.data;

import dev.anneal.device.Suits;
import dev.anneal.device.Suits.Feature;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Layer normalisation: layernorm.cu, layernorm.cl. */
final class LayerNorm {
  private static final KernelFile CUDA = KernelFile.of("layernorm.cu");
  private static final KernelFile OPENCL = KernelFile.of("layernorm");
  private static final int THREADS = 256;
  private static final int KEPT_WARPS = 4;

  private static final Version<Op.LayerNormForward, CudaContext> KEEPING =
      Version.possibly(
          "128-bit packs, the row kept in shared memory",
          Suits.ALL,
          (op, context) -> forward(op, context, Place.NONE));

  private static final Version<Op.LayerNormForward, CudaContext> AFTER_SUM =
      Version.together("the sum before it, where there is one, in the same kernel");

  static final Kernel<Op.LayerNormForward> KERNEL =
      new Kernel<>(
          "layernorm_forward",
          Op.LayerNormForward.class,
          List.of(
              Version.of("plain: one thread per row", (op, context) -> forward(1, 1, op)),
              Version.of(
                  "one warp per row, sums by shuffles",
                  (op, context) -> forward(2, context.warp(), op)),
              KEEPING,
              AFTER_SUM),
          List.of(
              Version.numbered(1, Ideas.PER_ROW, LayerNorm::forward),
              Version.numbered(2, Ideas.GROUP_PER_ROW, Ideas.GPUS, LayerNorm::forward),
              Version.numbered(3, Ideas.LANES, Ideas.CPUS, LayerNorm::forward),
              Version.numbered(4, Ideas.EXCHANGES, Ideas.SUB_GROUPS, LayerNorm::forward)));

  private LayerNorm() {}

  /** Shared memory for one row. */
  private static int rowBytes(int c, CudaContext context) {
    return Math.ceilDiv(c, context.pack()) * CudaContext.PACK_BYTES;
  }

  private static boolean fits(int c, CudaContext context) {
    return rowBytes(c, context) <= context.hardware().sharedOptInBytes();
  }

  private static List<Command> forward(int version, int threadsPerRow, Op.LayerNormForward op) {
    int rows = Math.toIntExact(op.in().shape().rows());
    return List.of(
        Launch.of(
            CUDA,
            "layernorm_forward_v" + version,
            Grid.covering((long) rows * threadsPerRow, THREADS),
            data(op.out()),
            data(op.mean()),
            data(op.rstd()),
            data(op.in()),
            data(op.weight()),
            data(op.bias()),
            i32(rows),
            i32(op.in().shape().dim(-1)),
            f32(op.epsilon())));
  }

  /** How many largest sizes {@link #forward} finds: one per block; nothing where it finds none. */
  static OptionalLong largest(Op.LayerNormForward op, CudaContext context) {
    int c = op.in().shape().dim(-1);
    return context.reaches(KERNEL, KEEPING) && fits(c, context)
        ? OptionalLong.of(Math.ceilDiv(op.in().shape().rows(), keptWarps(c, context)))
        : OptionalLong.empty();
  }

  /**
   * By the version that keeps rows, where they fit.
   *
   * @param largest where the largest sizes of what it writes go, if anywhere
   */
  static Optional<List<Command>> forward(
      Op.LayerNormForward op, CudaContext context, Place largest) {
    int rows = Math.toIntExact(op.in().shape().rows());
    int c = op.in().shape().dim(-1);
    if (!fits(c, context)) {
      return Optional.empty();
    }
    return Optional.of(
        List.of(
            keeping(
                context,
                "layernorm_forward_v3",
                rows,
                c,
                data(op.out()),
                data(op.mean()),
                data(op.rstd()),
                data(op.in()),
                data(op.weight()),
                data(op.bias()),
                i32(rows),
                i32(c),
                f32(op.epsilon()),
                largest)));
  }

  /** As many rows in a block's shared memory as there is room for. */
  private static int keptWarps(int c, CudaContext context) {
    return Math.clamp(context.hardware().sharedBytes() / rowBytes(c, context), 1, KEPT_WARPS);
  }

  /** A kernel that keeps a row per warp in shared memory. */
  private static Launch keeping(
      CudaContext context, String kernel, int rows, int c, Argument... arguments) {
    int warps = keptWarps(c, context);
    return Launch.of(
            CUDA, kernel, Grid.of(Math.ceilDiv(rows, warps)), warps * context.warp(), arguments)
        .sharing(warps * rowBytes(c, context));
  }

  /** Both ops in one launch, where it can stand for both. */
  static Optional<List<Command>> addThenNormalize(
      Op.Add add, Op.LayerNormForward norm, CudaContext context) {
    int rows = Math.toIntExact(norm.in().shape().rows());
    int c = norm.in().shape().dim(-1);
    if (!context.reaches(KERNEL, AFTER_SUM)
        || !norm.in().equals(add.out())
        || !fits(c, context)
        || writesOver(norm, add, context)) {
      return Optional.empty();
    }
    return Optional.of(
        List.of(
            keeping(
                context,
                "add_layernorm_forward_v1",
                rows,
                c,
                data(norm.out()),
                data(norm.mean()),
                data(norm.rstd()),
                data(add.out()),
                data(add.a()),
                data(add.b()),
                data(norm.weight()),
                data(norm.bias()),
                i32(rows),
                i32(c),
                f32(norm.epsilon()))));
  }

  /** A row is written while later rows are yet to be read. */
  private static boolean writesOver(Op.LayerNormForward norm, Op.Add add, CudaContext context) {
    for (Tensor written : List.of(norm.out(), norm.mean(), norm.rstd())) {
      for (Tensor read : List.of(add.a(), add.b())) {
        if (context.overlap(written, read)) {
          return true;
        }
      }
    }
    return false;
  }

  /** In OpenCL, one work-item, work-group, or work-item with a work-group to itself, per row. */
  static Grid rows(int m, int version, OpenClContext context) {
    return switch (version) {
      case 1 -> context.items(m);
      case 2, 4 -> Grid.groups(m, 1, OpenClMachine.GROUP, 1);
      default -> Grid.of(m);
    };
  }

  static KernelFile file(int version) {
    return version == 4 ? OPENCL.needing(Feature.SUB_GROUPS) : OPENCL;
  }

  private static List<Command> forward(int version, Op.LayerNormForward op, OpenClContext context) {
    int m = Math.toIntExact(op.in().shape().rows());
    return List.of(
        Launch.of(
            file(version),
            "layernorm_forward_v" + version,
            rows(m, version, context),
            activations(op.out()),
            data(op.mean()),
            data(op.rstd()),
            activations(op.in()),
            data(op.weight()),
            data(op.bias()),
            i32(m),
            i32(op.in().shape().dim(-1)),
            f32(op.epsilon())));
  }
}
