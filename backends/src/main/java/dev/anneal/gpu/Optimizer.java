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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The global norm, AdamW and copies of parameters: global_norm.cu, adamw.cu and adamw_rounded.cu,
 * cast.cu.
 */
final class Optimizer {
  private static final int THREADS = 256;
  private static final int SUM_THREADS = 1024;
  private static final int TILE = 8192;

  private Optimizer() {}

  static List<Command> globalNorm(Op.GlobalNorm op, OpContext context) {
    long tiles = 0;
    for (Tensor gradient : op.gradients()) {
      tiles += Math.ceilDiv(gradient.elements(), TILE);
    }
    long partial = context.workspace().scratch(4 * tiles);
    List<Command> commands = new ArrayList<>();
    if (context.version("global_norm") == 1) {
      long tile = 0;
      for (Tensor gradient : op.gradients()) {
        long own = Math.ceilDiv(gradient.elements(), TILE);
        commands.add(
            Launch.of(
                "global_norm.cu",
                "squares_v1",
                Grid.of(own),
                THREADS,
                address(partial + 4 * tile),
                context.at(gradient),
                i64(gradient.elements())));
        tile += own;
      }
    } else {
      commands.add(
          Launch.of(
              "global_norm.cu",
              "squares_v2",
              Grid.of(tiles),
              THREADS,
              address(partial),
              gradientTable(op, context),
              i32(op.gradients().size())));
    }
    commands.add(
        Launch.of(
            "global_norm.cu",
            "norm_of_squares",
            Grid.of(1),
            SUM_THREADS,
            context.at(op.norm()),
            address(partial),
            i64(tiles)));
    return commands;
  }

  /** {@code struct Gradient} of global_norm.cu for each. */
  private static Argument gradientTable(Op.GlobalNorm op, OpContext context) {
    long[] words = new long[3 * op.gradients().size()];
    int at = 0;
    long tile = 0;
    for (Tensor gradient : op.gradients()) {
      words[at++] = context.address(gradient);
      words[at++] = gradient.elements();
      words[at++] = tile;
      tile += Math.ceilDiv(gradient.elements(), TILE);
    }
    return address(context.workspace().constant(words));
  }

  /** Whether one launch can do both: they differ in their tensors and weight decay alone. */
  static boolean together(Op.AdamW a, Op.AdamW b) {
    return a.parameter().dtype() == b.parameter().dtype()
        && a.rounding()
            .map(Op.AdamW.Rounding::random)
            .equals(b.rounding().map(Op.AdamW.Rounding::random))
        && a.norm().equals(b.norm())
        && a.schedule().equals(b.schedule())
        && a.beta1() == b.beta1()
        && a.beta2() == b.beta2()
        && a.epsilon() == b.epsilon()
        && a.maxNorm() == b.maxNorm();
  }

  static List<Command> adamW(Op.AdamW op, OpContext context) {
    int version = context.version("adamw");
    if (version == 3) {
      return allAdamW(List.of(op), Map.of(), context);
    }
    long n = op.parameter().elements();
    List<Argument> arguments =
        new ArrayList<>(
            List.of(
                context.at(op.parameter()),
                context.at(op.m()),
                context.at(op.v()),
                context.at(op.gradient()),
                context.at(op.norm()),
                context.at(op.schedule())));
    Optional<Op.AdamW.Rounding> rounding = rounding(op);
    rounding.ifPresent(
        how -> {
          arguments.add(context.at(how.random()));
          arguments.add(i32(how.stream()));
        });
    arguments.addAll(
        List.of(
            i64(n),
            f32(op.beta1()),
            f32(op.beta2()),
            f32(op.epsilon()),
            f32(op.weightDecay()),
            f32(op.maxNorm())));
    String kernel = rounding.isPresent() ? "adamw_rounded" : "adamw";
    return List.of(
        new Launch(
            kernel + ".cu",
            kernel + "_v" + version,
            Grid.covering(version == 1 ? n : Math.ceilDiv(n, OpContext.FLOATS), THREADS),
            THREADS,
            0,
            arguments));
  }

  /** How the parameter is rounded, if it has 16 bits. */
  private static Optional<Op.AdamW.Rounding> rounding(Op.AdamW op) {
    return op.rounding().filter(how -> op.parameter().dtype() != DType.F32);
  }

  /** A copy of a parameter, by a kernel of its own. */
  static List<Command> cast(Op.Cast op, OpContext context) {
    int version = context.version("cast");
    long n = op.out().elements();
    return List.of(
        Launch.of(
            "cast.cu",
            "cast_v" + version,
            Grid.covering(version == 1 ? n : Math.ceilDiv(n, context.pack()), THREADS),
            THREADS,
            context.at(op.out()),
            context.at(op.in()),
            i64(n)));
  }

  /**
   * All of them, which are {@link #together}, in one launch.
   *
   * @param copies of parameters, which the same launch makes
   */
  static List<Command> allAdamW(List<Op.AdamW> ops, Map<Tensor, Tensor> copies, OpContext context) {
    // struct Parameter of adamw.cu or adamw_rounded.cu for each.
    long[] words = new long[7 * ops.size()];
    int at = 0;
    long block = 0;
    for (Op.AdamW op : ops) {
      long n = op.parameter().elements();
      words[at++] = context.address(op.parameter());
      words[at++] = context.address(op.m());
      words[at++] = context.address(op.v());
      words[at++] = context.address(op.gradient());
      Tensor copy = copies.get(op.parameter());
      long copyAt = copy == null ? 0 : context.address(copy);
      words[at++] = rounding(op).map(how -> (long) how.stream()).orElse(copyAt);
      words[at++] = n;
      words[at++] = (long) Float.floatToRawIntBits(op.weightDecay()) << 32 | Math.toIntExact(block);
      block += Math.ceilDiv(n, (long) THREADS * OpContext.FLOATS);
    }
    Op.AdamW first = ops.getFirst();
    List<Argument> arguments =
        new ArrayList<>(
            List.of(
                address(context.workspace().constant(words)),
                i32(ops.size()),
                context.at(first.norm()),
                context.at(first.schedule())));
    Optional<Op.AdamW.Rounding> rounding = rounding(first);
    rounding.ifPresent(how -> arguments.add(context.at(how.random())));
    arguments.addAll(
        List.of(
            f32(first.beta1()), f32(first.beta2()), f32(first.epsilon()), f32(first.maxNorm())));
    String kernel = rounding.isPresent() ? "adamw_rounded" : "adamw";
    return List.of(
        new Launch(kernel + ".cu", kernel + "_v3", Grid.of(block), THREADS, 0, arguments));
  }
}
