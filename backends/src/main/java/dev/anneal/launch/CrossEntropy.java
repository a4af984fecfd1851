package dev.anneal.launch;

import static dev.anneal.launch.Argument.i32;
import static dev.anneal.launch.Place.activations;
import static dev.anneal.launch.Place.data;

import dev.anneal.device.Suits.Feature;
import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Softmax cross-entropy: cross_entropy.cu, cross_entropy.cl. */
final class CrossEntropy {
  private static final KernelFile CUDA = KernelFile.of("cross_entropy.cu");
  private static final KernelFile OPENCL = KernelFile.of("cross_entropy");
  private static final int THREADS = 256;
  private static final int MOST_THREADS = 1024;

  /** Room for what the kernels declare of shared memory: two numbers per warp. */
  private static final int DECLARED_BYTES = 1024;

  /** Logits per work-item of OpenCL's backward version for CPUs. */
  private static final int VECTOR = 16;

  private static final Version<Op.CrossEntropyForward, CudaContext> ONE_PASS =
      Version.numbered(2, "a block per row, one pass", CrossEntropy::perRow);

  private static final Version<Op.CrossEntropyForward, CudaContext> CONVERTED =
      Version.where(
          Ideas.CONVERTED + "; the row kept in shared memory where the gradient follows",
          (op, context) -> wholePacks(columns(op), context),
          (op, context) -> perRow(3, op, context));

  static final Kernel<Op.CrossEntropyForward> FORWARD =
      new Kernel<>(
          "cross_entropy_forward",
          Op.CrossEntropyForward.class,
          List.of(
              Version.of("plain: one thread per row", CrossEntropy::plain), ONE_PASS, CONVERTED),
          List.of(
              Version.numbered(1, Ideas.PER_ROW, CrossEntropy::forward),
              Version.numbered(2, Ideas.GROUP_PER_ROW, Ideas.GPUS, CrossEntropy::forward),
              Version.numbered(3, Ideas.LANES, Ideas.CPUS, CrossEntropy::forward),
              Version.numbered(4, Ideas.EXCHANGES, Ideas.SUB_GROUPS, CrossEntropy::forward)));

  private static final Version<Op.CrossEntropyBackward, CudaContext> BACKWARD_PACKS =
      Version.numbered(2, Ideas.PACKS, CrossEntropy::backward);

  private static final Version<Op.CrossEntropyBackward, CudaContext> BACKWARD_CONVERTED =
      Version.where(
          Ideas.CONVERTED,
          (op, context) -> wholePacks(op.logits().shape().dim(-1), context),
          (op, context) -> backward(3, op, context));

  static final Kernel<Op.CrossEntropyBackward> BACKWARD =
      new Kernel<>(
          "cross_entropy_backward",
          Op.CrossEntropyBackward.class,
          List.of(
              Version.numbered(1, Ideas.PLAIN, CrossEntropy::backward),
              BACKWARD_PACKS,
              BACKWARD_CONVERTED),
          List.of(
              Version.numbered(1, Ideas.PER_ELEMENT, CrossEntropy::items),
              Version.numbered(2, Ideas.VECTORS, Ideas.CPUS, CrossEntropy::items)));

  private CrossEntropy() {}

  private static int columns(Op.CrossEntropyForward op) {
    return op.logits().shape().dim(-1);
  }

  private static boolean wholePacks(int columns, CudaContext context) {
    return columns % context.pack() == 0;
  }

  private static List<Command> plain(Op.CrossEntropyForward op, CudaContext context) {
    int rows = Math.toIntExact(op.targets().elements());
    return List.of(
        Launch.of(
            CUDA,
            "cross_entropy_forward_v1",
            Grid.covering(rows, THREADS),
            data(op.losses()),
            data(op.logSumExp()),
            data(op.logits()),
            data(op.targets()),
            i32(rows),
            i32(op.vocabulary()),
            i32(columns(op))));
  }

  private static List<Command> perRow(int version, Op.CrossEntropyForward op, CudaContext context) {
    return List.of(
        Launch.of(
            CUDA,
            "cross_entropy_forward_v" + version,
            Grid.of(op.targets().elements()),
            threads(op.vocabulary(), context),
            data(op.losses()),
            data(op.logSumExp()),
            data(op.logits()),
            data(op.targets()),
            i32(op.vocabulary()),
            i32(columns(op))));
  }

  /** For a row: a pack each, as far as a block goes. */
  private static int threads(int columns, CudaContext context) {
    return Math.min(MOST_THREADS, context.wholeWarps(Math.ceilDiv(columns, context.pack())));
  }

  /** Both ops in one launch, where it can stand for both. */
  static Optional<List<Command>> both(
      Op.CrossEntropyForward loss, Op.CrossEntropyBackward gradient, CudaContext context) {
    if (!context.reaches(FORWARD, ONE_PASS)
        || !context.reaches(BACKWARD, BACKWARD_PACKS)
        || !gradient.logits().equals(loss.logits())
        || !gradient.logSumExp().equals(loss.logSumExp())) {
      return Optional.empty();
    }
    int columns = columns(loss);
    boolean keeping =
        wholePacks(columns, context)
            && context.reaches(FORWARD, CONVERTED)
            && context.reaches(BACKWARD, BACKWARD_CONVERTED);
    List<Argument> arguments =
        new ArrayList<>(
            List.of(
                data(loss.losses()),
                data(loss.logSumExp()),
                data(gradient.dLogits()),
                data(gradient.dLosses()),
                data(loss.logits()),
                data(loss.targets()),
                i32(loss.vocabulary()),
                i32(columns)));
    int kept = keeping ? keptPacks(columns, context) : 0;
    if (keeping) {
      arguments.add(i32(kept));
    }
    return Optional.of(
        List.of(
            Launch.of(
                    CUDA,
                    keeping ? "cross_entropy_fused_v2" : "cross_entropy_fused_v1",
                    Grid.of(loss.targets().elements()).inBlocksOf(threads(columns, context)),
                    arguments)
                .sharing(kept * CudaContext.PACK_BYTES)));
  }

  /** How many packs of a row there is shared memory for, beside what the kernel declares. */
  private static int keptPacks(int columns, CudaContext context) {
    int room = context.hardware().sharedOptInBytes() - DECLARED_BYTES;
    return Math.min(columns / context.pack(), room / CudaContext.PACK_BYTES);
  }

  private static List<Command> backward(
      int version, Op.CrossEntropyBackward op, CudaContext context) {
    int rows = Math.toIntExact(op.targets().elements());
    int columns = op.logits().shape().dim(-1);
    return List.of(
        Launch.of(
            CUDA,
            "cross_entropy_backward_v" + version,
            version == 1
                ? Grid.covering((long) rows * columns, THREADS)
                : Grid.of(rows, Math.ceilDiv(columns, THREADS * context.pack())),
            THREADS,
            data(op.dLogits()),
            data(op.dLosses()),
            data(op.logits()),
            data(op.logSumExp()),
            data(op.targets()),
            i32(rows),
            i32(op.vocabulary()),
            i32(columns)));
  }

  private static List<Command> forward(
      int version, Op.CrossEntropyForward op, OpenClContext context) {
    int m = Math.toIntExact(op.targets().elements());
    return List.of(
        Launch.of(
            version == 4 ? OPENCL.needing(Feature.SUB_GROUPS) : OPENCL,
            "cross_entropy_forward_v" + version,
            switch (version) {
              case 1 -> context.items(m);
              case 2, 4 -> Grid.groups(m, 1, OpenClMachine.GROUP, 1);
              default -> Grid.of(m);
            },
            data(op.losses()),
            data(op.logSumExp()),
            activations(op.logits()),
            data(op.targets()),
            i32(m),
            i32(columns(op)),
            i32(op.vocabulary())));
  }

  private static List<Command> items(
      int version, Op.CrossEntropyBackward op, OpenClContext context) {
    int m = Math.toIntExact(op.targets().elements());
    int columns = op.logits().shape().dim(-1);
    return List.of(
        Launch.of(
            OPENCL,
            "cross_entropy_backward_v" + version,
            context.items(version == 1 ? columns : Math.ceilDiv(columns, VECTOR), m),
            activations(op.dLogits()),
            data(op.dLosses()),
            activations(op.logits()),
            data(op.logSumExp()),
            data(op.targets()),
            i32(columns),
            i32(op.vocabulary())));
  }
}
