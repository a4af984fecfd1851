package dev.anneal.gpu;

import static dev.anneal.gpu.Argument.i32;

import dev.anneal.gpu.Command.Grid;
import dev.anneal.gpu.Command.Launch;
import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;

/** Softmax cross-entropy: cross_entropy.cu. */
final class CrossEntropy {
  private static final String FILE = "cross_entropy.cu";
  private static final int THREADS = 256;
  private static final int MOST_THREADS = 1024;

  /** Room for what the kernels declare of shared memory: two numbers per warp. */
  private static final int DECLARED_BYTES = 1024;

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
            "cross_entropy_forward_v" + version("cross_entropy_forward", columns, context),
            Grid.of(rows),
            threads(op.vocabulary(), context),
            context.at(op.losses()),
            context.at(op.logSumExp()),
            context.at(op.logits()),
            context.at(op.targets()),
            i32(op.vocabulary()),
            i32(columns)));
  }

  /** The chosen version, or the one before it where rows are not in whole packs. */
  private static int version(String kernel, int columns, OpContext context) {
    int wholePacks = columns % context.pack() == 0 ? 3 : 2;
    return Math.min(wholePacks, context.version(kernel));
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
    int columns = loss.logits().shape().dim(-1);
    boolean keeping =
        Math.min(
                version("cross_entropy_forward", columns, context),
                version("cross_entropy_backward", columns, context))
            >= 3;
    List<Argument> arguments =
        new ArrayList<>(
            List.of(
                context.at(loss.losses()),
                context.at(loss.logSumExp()),
                context.at(gradient.dLogits()),
                context.at(gradient.dLosses()),
                context.at(loss.logits()),
                context.at(loss.targets()),
                i32(loss.vocabulary()),
                i32(columns)));
    int kept = keeping ? keptPacks(columns, context) : 0;
    if (keeping) {
      arguments.add(i32(kept));
    }
    return List.of(
        new Launch(
            FILE,
            keeping ? "cross_entropy_fused_v2" : "cross_entropy_fused_v1",
            Grid.of(loss.targets().elements()),
            threads(columns, context),
            kept * OpContext.PACK_BYTES,
            arguments));
  }

  /** How many packs of a row there is shared memory for, beside what the kernel declares. */
  private static int keptPacks(int columns, OpContext context) {
    int room = context.hardware().sharedOptInBytes() - DECLARED_BYTES;
    return Math.min(columns / context.pack(), room / OpContext.PACK_BYTES);
  }

  static List<Command> backward(Op.CrossEntropyBackward op, OpContext context) {
    int rows = Math.toIntExact(op.targets().elements());
    int columns = op.logits().shape().dim(-1);
    int version = version("cross_entropy_backward", columns, context);
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
