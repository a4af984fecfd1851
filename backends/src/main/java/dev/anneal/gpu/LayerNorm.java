package dev.anneal.gpu;

import static dev.anneal.gpu.Argument.f32;
import static dev.anneal.gpu.Argument.i32;

import dev.anneal.gpu.Command.Grid;
import dev.anneal.gpu.Command.Launch;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** Layer normalisation: layernorm.cu. */
final class LayerNorm {
  private static final String FILE = "layernorm.cu";
  private static final int THREADS = 256;
  private static final int KEPT_WARPS = 4;
  private static final int SUM_THREADS = 1024;
  private static final int PACK_BYTES = 16;

  /** The most channels that version 2 of the backward pass has room for in a block's registers. */
  private static final int MOST_CHANNELS = 4096;

  /** Of largest sizes that nobody asks for. */
  private static final Argument NOWHERE = Argument.address(0);

  private LayerNorm() {}

  /** Shared memory for one row. */
  private static int rowBytes(int c, OpContext context) {
    return Math.ceilDiv(c, context.pack()) * PACK_BYTES;
  }

  private static boolean fits(int c, OpContext context) {
    return rowBytes(c, context) <= context.hardware().sharedOptInBytes();
  }

  static List<Command> forward(Op.LayerNormForward op, OpContext context) {
    return forward(op, context, NOWHERE);
  }

  /** How many largest sizes {@link #forward} finds: one per block; nothing where it finds none. */
  static OptionalLong largest(Op.LayerNormForward op, OpContext context) {
    int c = op.in().shape().dim(-1);
    return context.version("layernorm_forward") >= 3 && fits(c, context)
        ? OptionalLong.of(Math.ceilDiv(op.in().shape().rows(), keptWarps(c, context)))
        : OptionalLong.empty();
  }

  /**
   * @param largest where the largest sizes of what it writes go, or null on the device
   */
  static List<Command> forward(Op.LayerNormForward op, OpContext context, Argument largest) {
    int rows = Math.toIntExact(op.in().shape().rows());
    int c = op.in().shape().dim(-1);
    int version = Math.min(3, context.version("layernorm_forward"));
    if (version == 3 && fits(c, context)) {
      return List.of(
          keeping(
              context,
              "layernorm_forward_v3",
              rows,
              c,
              List.of(
                  context.at(op.out()),
                  context.at(op.mean()),
                  context.at(op.rstd()),
                  context.at(op.in()),
                  context.at(op.weight()),
                  context.at(op.bias()),
                  i32(rows),
                  i32(c),
                  f32(op.epsilon()),
                  largest)));
    }
    long threads = version == 1 ? rows : (long) rows * context.warp();
    return List.of(
        Launch.of(
            FILE,
            version == 1 ? "layernorm_forward_v1" : "layernorm_forward_v2",
            Grid.covering(threads, THREADS),
            THREADS,
            context.at(op.out()),
            context.at(op.mean()),
            context.at(op.rstd()),
            context.at(op.in()),
            context.at(op.weight()),
            context.at(op.bias()),
            i32(rows),
            i32(c),
            f32(op.epsilon())));
  }

  /** As many rows in a block's shared memory as there is room for. */
  private static int keptWarps(int c, OpContext context) {
    return Math.clamp(context.hardware().sharedBytes() / rowBytes(c, context), 1, KEPT_WARPS);
  }

  /** A kernel that keeps a row per warp in shared memory. */
  private static Launch keeping(
      OpContext context, String kernel, int rows, int c, List<Argument> arguments) {
    int warps = keptWarps(c, context);
    return new Launch(
        FILE,
        kernel,
        Grid.of(Math.ceilDiv(rows, warps)),
        warps * context.warp(),
        warps * rowBytes(c, context),
        arguments);
  }

  /** Whether {@link #addThenNormalize} can stand for both ops. */
  static boolean fuses(Op.Add add, Op.LayerNormForward norm, OpContext context) {
    if (context.version("layernorm_forward") < 4
        || !norm.in().equals(add.out())
        || !fits(norm.in().shape().dim(-1), context)) {
      return false;
    }
    // A row is written while later rows are yet to be read.
    for (Tensor written : List.of(norm.out(), norm.mean(), norm.rstd())) {
      for (Tensor read : List.of(add.a(), add.b())) {
        if (context.overlap(written, read)) {
          return false;
        }
      }
    }
    return true;
  }

  static List<Command> addThenNormalize(Op.Add add, Op.LayerNormForward norm, OpContext context) {
    int rows = Math.toIntExact(norm.in().shape().rows());
    int c = norm.in().shape().dim(-1);
    return List.of(
        keeping(
            context,
            "add_layernorm_forward_v1",
            rows,
            c,
            List.of(
                context.at(norm.out()),
                context.at(norm.mean()),
                context.at(norm.rstd()),
                context.at(add.out()),
                context.at(add.a()),
                context.at(add.b()),
                context.at(norm.weight()),
                context.at(norm.bias()),
                i32(rows),
                i32(c),
                f32(norm.epsilon()))));
  }

  static List<Command> backward(Op.LayerNormBackward op, OpContext context) {
    return backward(op, context, NOWHERE);
  }

  /** At most 1024 partial sums, and at least 16 rows each. */
  private static int rowsPerBlock(int rows) {
    return Math.max(16, Math.ceilDiv(rows, 1024));
  }

  /** How many largest sizes {@link #backward} finds: one per block; nothing where it finds none. */
  static OptionalLong largest(Op.LayerNormBackward op, OpContext context) {
    int rows = Math.toIntExact(op.in().shape().rows());
    return backwardVersion(op, context) >= 3
        ? OptionalLong.of(Math.ceilDiv(rows, rowsPerBlock(rows)))
        : OptionalLong.empty();
  }

  /** The chosen version, or one before it that can do this. */
  private static int backwardVersion(Op.LayerNormBackward op, OpContext context) {
    int c = op.in().shape().dim(-1);
    int most = c > MOST_CHANNELS ? 1 : c % context.pack() == 0 ? 3 : 2;
    return Math.min(most, context.version("layernorm_backward"));
  }

  /** The same with the largest size of what every block writes. */
  static List<Command> backward(Op.LayerNormBackward op, OpContext context, Argument largest) {
    int rows = Math.toIntExact(op.in().shape().rows());
    int c = op.in().shape().dim(-1);
    int version = backwardVersion(op, context);
    if (version == 1) {
      return List.of(
          Launch.of(
              FILE,
              "layernorm_backward_weight_v1",
              Grid.covering(c, THREADS),
              THREADS,
              context.at(op.dWeight()),
              context.at(op.dBias()),
              context.at(op.dOut()),
              context.at(op.in()),
              context.at(op.mean()),
              context.at(op.rstd()),
              i32(rows),
              i32(c),
              i32(op.accumulate())),
          Launch.of(
              FILE,
              "layernorm_backward_input_v1",
              Grid.covering(rows, THREADS),
              THREADS,
              context.at(op.dIn()),
              context.at(op.dOut()),
              context.at(op.in()),
              context.at(op.weight()),
              context.at(op.mean()),
              context.at(op.rstd()),
              context.at(op.residual()),
              i32(rows),
              i32(c)));
    }
    int rowsPerBlock = rowsPerBlock(rows);
    int blocks = Math.ceilDiv(rows, rowsPerBlock);
    Argument partial = context.scratch(8L * blocks * c);
    List<Argument> arguments =
        new ArrayList<>(
            List.of(
                context.at(op.dIn()),
                partial,
                context.at(op.dOut()),
                context.at(op.in()),
                context.at(op.weight()),
                context.at(op.mean()),
                context.at(op.rstd()),
                context.at(op.residual()),
                i32(rows),
                i32(c),
                i32(rowsPerBlock)));
    if (version >= 3) {
      arguments.add(largest);
    }
    return List.of(
        new Launch(
            FILE,
            "layernorm_backward_v" + version,
            Grid.of(blocks),
            context.wholeWarps(Math.ceilDiv(c, context.pack())),
            0,
            arguments),
        Launch.of(
            FILE,
            "layernorm_backward_sum_v2",
            Grid.of(Math.ceilDiv(c, context.warp()), 2),
            SUM_THREADS,
            context.at(op.dWeight()),
            context.at(op.dBias()),
            partial,
            i32(blocks),
            i32(c),
            i32(op.accumulate())));
  }
}
