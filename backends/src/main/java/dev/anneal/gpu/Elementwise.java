package dev.anneal.gpu;

import static dev.anneal.gpu.Argument.f32;
import static dev.anneal.gpu.Argument.i64;

import dev.anneal.gpu.Command.Grid;
import dev.anneal.gpu.Command.Launch;
import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** Ops whose every element stands alone: residual.cu, gelu.cu, fill.cu; and the mean. */
final class Elementwise {
  private static final int THREADS = 256;

  /** Of largest sizes that nobody asks for. */
  private static final Argument NOWHERE = Argument.address(0);

  private Elementwise() {}

  /** Version 1 has a thread per element, version 2 one per pack. */
  private static List<Command> launch(
      OpContext context, String file, String kernel, long n, Argument... arguments) {
    int version = context.version(kernel);
    long threads = version == 1 ? n : Math.ceilDiv(n, context.pack());
    return List.of(
        Launch.of(
            file, kernel + "_v" + version, Grid.covering(threads, THREADS), THREADS, arguments));
  }

  static List<Command> add(Op.Add op, OpContext context) {
    long n = op.out().elements();
    return launch(
        context,
        "residual.cu",
        "add",
        n,
        context.at(op.out()),
        context.at(op.a()),
        context.at(op.b()),
        i64(n));
  }

  static List<Command> gelu(Op.GeluForward op, OpContext context) {
    return gelu(op, context, NOWHERE);
  }

  /**
   * @param largest where the largest size of what every block writes goes, or null on the device
   */
  static List<Command> gelu(Op.GeluForward op, OpContext context, Argument largest) {
    List<Argument> arguments = List.of(context.at(op.out()), context.at(op.in()));
    return gelu("gelu_forward", op.out().elements(), context, arguments, largest);
  }

  static List<Command> geluBackward(Op.GeluBackward op, OpContext context) {
    return geluBackward(op, context, NOWHERE);
  }

  /** The same with the largest size of what every block writes. */
  static List<Command> geluBackward(Op.GeluBackward op, OpContext context, Argument largest) {
    List<Argument> arguments =
        List.of(context.at(op.dIn()), context.at(op.dOut()), context.at(op.in()));
    return gelu("gelu_backward", op.dIn().elements(), context, arguments, largest);
  }

  private static List<Command> gelu(
      String kernel, long n, OpContext context, List<Argument> tensors, Argument largest) {
    List<Argument> arguments = new ArrayList<>(tensors);
    arguments.add(i64(n));
    if (context.version(kernel) >= 2) {
      arguments.add(largest);
    }
    return launch(context, "gelu.cu", kernel, n, arguments.toArray(Argument[]::new));
  }

  /**
   * How many largest sizes a GELU of {@code n} finds: one per block; nothing where it finds none.
   */
  static OptionalLong largest(String kernel, long n, OpContext context) {
    return context.version(kernel) >= 2
        ? OptionalLong.of(Math.ceilDiv(n, (long) THREADS * context.pack()))
        : OptionalLong.empty();
  }

  static List<Command> fill(Op.Fill op, OpContext context) {
    long n = op.out().elements();
    return List.of(
        Launch.of(
            "fill.cu",
            "fill_float_v1",
            Grid.covering(n, THREADS),
            THREADS,
            context.at(op.out()),
            f32(op.value()),
            i64(n)));
  }

  static List<Command> meanBackward(Op.MeanBackward op, OpContext context) {
    long n = op.dIn().elements();
    return List.of(
        Launch.of(
            "fill.cu",
            "mean_backward_v1",
            Grid.covering(n, THREADS),
            THREADS,
            context.at(op.dIn()),
            context.at(op.dOut()),
            i64(n)));
  }

  static List<Command> mean(Op.MeanForward op, OpContext context) {
    return List.of(
        Launch.of(
            "mean.cu",
            "mean_forward_v1",
            Grid.of(1),
            1024,
            context.at(op.out()),
            context.at(op.in()),
            i64(op.in().elements())));
  }
}
