package dev.anneal.gpu;

import static dev.anneal.gpu.Argument.i32;

import dev.anneal.gpu.Command.Grid;
import dev.anneal.gpu.Command.Launch;
import dev.anneal.plan.Op;
import java.util.List;

/** Softmax cross-entropy: cross_entropy.cu. */
final class CrossEntropy {
  private static final String FILE = "cross_entropy.cu";
  private static final int THREADS = 256;
  private static final int MOST_THREADS = 1024;

  private CrossEntropy() {}

  static List<Command> forward(Op.CrossEntropyForward op, OpContext context) {
    int rows = Math.toIntExact(op.targets().elements());
    int columns = op.logits().shape().dim(-1);
    if (context.version("cross_entropy_forward") == 1) {
      return List.of(
          Launch.of(
              FILE,
              "cross_entropy_forward_v1",
              Grid.covering(rows, THREADS),
              THREADS,
              context.at(op.losses()),
              context.at(op.logSumExp()),
              context.at(op.logits()),
              context.at(op.targets()),
              i32(rows),
              i32(op.vocabulary()),
              i32(columns)));
    }
    return List.of(
        Launch.of(
            FILE,
            "cross_entropy_forward_v2",
            Grid.of(rows),
            threads(op.vocabulary(), context),
            context.at(op.losses()),
            context.at(op.logSumExp()),
            context.at(op.logits()),
            context.at(op.targets()),
            i32(op.vocabulary()),
            i32(columns)));
  }

  /** For a row: a pack each, as far as a block goes. */
  private static int threads(int columns, OpContext context) {
    return Math.min(MOST_THREADS, context.wholeWarps(Math.ceilDiv(columns, context.pack())));
  }

  /** Whether {@link #both} can stand for both ops. */
  static boolean fuses(
      Op.CrossEntropyForward loss, Op.CrossEntropyBackward gradient, OpContext context) {
    return context.version("cross_entropy_forward") > 1
        && context.version("cross_entropy_backward") > 1
        && gradient.logits().equals(loss.logits())
        && gradient.logSumExp().equals(loss.logSumExp());
  }

  static List<Command> both(
      Op.CrossEntropyForward loss, Op.CrossEntropyBackward gradient, OpContext context) {
    return List.of(
        Launch.of(
            FILE,
            "cross_entropy_fused_v1",
            Grid.of(loss.targets().elements()),
            threads(loss.vocabulary(), context),
            context.at(loss.losses()),
            context.at(loss.logSumExp()),
            context.at(gradient.dLogits()),
            context.at(gradient.dLosses()),
            context.at(loss.logits()),
            context.at(loss.targets()),
            i32(loss.vocabulary()),
            i32(loss.logits().shape().dim(-1))));
  }

  static List<Command> backward(Op.CrossEntropyBackward op, OpContext context) {
    int rows = Math.toIntExact(op.targets().elements());
    int columns = op.logits().shape().dim(-1);
    int version = context.version("cross_entropy_backward");
    return List.of(
        Launch.of(
            FILE,
            "cross_entropy_backward_v" + version,
            version == 1
                ? Grid.covering((long) rows * columns, THREADS)
                : Grid.of(rows, Math.ceilDiv(columns, THREADS * context.pack())),
            THREADS,
            context.at(op.dLogits()),
            context.at(op.dLosses()),
            context.at(op.logits()),
            context.at(op.logSumExp()),
            context.at(op.targets()),
            i32(rows),
            i32(op.vocabulary()),
            i32(columns)));
  }
}
