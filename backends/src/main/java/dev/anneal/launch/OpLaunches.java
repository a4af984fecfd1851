package dev.anneal.launch;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.failure.Failure;
import dev.anneal.plan.DType;
import dev.anneal.plan.MuonOp;
import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;

/** From ops to what a device is told. */
public final class OpLaunches {
  private OpLaunches() {}

  /**
   * Ops that follow each other and the commands that compute them together.
   *
   * @param scratch of these commands alone
   * @param scratchBytes that they need at most at once
   */
  public record Group(
      List<Op> ops, List<Command> commands, List<Place.Scratch> scratch, long scratchBytes) {
    public Group {
      ops = List.copyOf(ops);
      commands = List.copyOf(commands);
    }

    /** The commands of each op: the first has all, the others have nothing. */
    public List<List<Command>> byOp() {
      List<List<Command>> all = new ArrayList<>(List.of(commands));
      while (all.size() < ops.size()) {
        all.add(List.of());
      }
      return all;
    }
  }

  /** The commands of ops in order, in groups. */
  public static List<Group> groups(List<Op> ops, CudaContext context) {
    List<Group> groups = new ArrayList<>();
    int done = 0;
    while (done < ops.size()) {
      context.workspace().nextOp();
      Fusions.Together first = together(ops.subList(done, ops.size()), context);
      groups.add(
          new Group(
              ops.subList(done, done + first.ops()),
              first.commands().stream().map(command -> formatted(command, first.real())).toList(),
              context.workspace().rooms(),
              context.workspace().bytesOfOp()));
      done += first.ops();
    }
    return groups;
  }

  /** The same in OpenCL, where every op is a group. */
  public static List<Group> groups(List<Op> ops, OpenClContext context) {
    List<Group> groups = new ArrayList<>();
    for (Op op : ops) {
      context.workspace().nextOp();
      groups.add(
          new Group(
              List.of(op),
              of(op, context),
              context.workspace().rooms(),
              context.workspace().bytesOfOp()));
    }
    return groups;
  }

  /** The same by op; where several are computed together, the first of them has the commands. */
  public static List<List<Command>> of(List<Op> ops, CudaContext context) {
    return groups(ops, context).stream().flatMap(group -> group.byOp().stream()).toList();
  }

  /** A launch is of a file compiled for {@code real}. */
  private static Command formatted(Command command, DType real) {
    return command instanceof Launch launch ? launch.with(real) : command;
  }

  private static Fusions.Together together(List<Op> ops, CudaContext any) {
    Op op = ops.getFirst();
    DType real = OpFormats.real(op);
    CudaContext context = any.forFormat(real);
    return Fusions.of(ops, real, context)
        .orElseGet(() -> new Fusions.Together(1, real, commands(op, context)));
  }

  /**
   * The launches of an op, which have its work.
   *
   * @throws Failure when no version of a kernel runs, or there is none
   */
  public static List<Command> of(Op op, OpenClContext context) {
    List<Command> launches = commands(op, context);
    Work all = Work.of(op);
    return op instanceof Op.Classifier
        ? launches
        : launches.stream().map(launch -> (Command) ((Launch) launch).with(all)).toList();
  }

  /** The one place that says which kernel computes which op. */
  private static <C extends LaunchContext<C>> List<Command> commands(Op op, C context) {
    return switch (op) {
      case Op.EmbeddingForward o -> by(Embedding.FORWARD, o, context);
      case Op.TokenEmbeddingForward o -> by(Embedding.TOKEN_FORWARD, o, context);
      case Op.TokenEmbeddingBackward o -> by(Embedding.TOKEN_BACKWARD, o, context);
      case Op.PositionEmbeddingBackward o -> by(Embedding.POSITION_BACKWARD, o, context);
      case Op.LayerNormForward o -> by(LayerNorm.KERNEL, o, context);
      case Op.LayerNormBackward o -> by(LayerNormGradient.KERNEL, o, context);
      case Op.RmsNormForward o -> by(RmsNorm.FORWARD, o, context);
      case Op.RmsNormBackward o -> by(RmsNorm.BACKWARD, o, context);
      case Op.RotaryForward o -> by(Rotary.FORWARD, o, context);
      case Op.RotaryBackward o -> by(Rotary.BACKWARD, o, context);
      case Op.SwiGluForward o -> by(SwiGlu.FORWARD, o, context);
      case Op.SwiGluBackward o -> by(SwiGlu.BACKWARD, o, context);
      case Op.MatmulForward o -> by(Matmul.FORWARD, o, context);
      case Op.MatmulBackwardInput o -> by(Matmul.BACKWARD_INPUT, o, context);
      case Op.MatmulBackwardWeight o -> by(Matmul.BACKWARD_WEIGHT, o, context);
      case Op.BiasBackward o -> by(Bias.BACKWARD, o, context);
      case Op.AttentionForward o -> by(Attention.FORWARD, o, context);
      case Op.AttentionBackward o -> by(Attention.BACKWARD, o, context);
      case Op.CachedAttention o -> by(CachedAttention.KERNEL, o, context);
      case Op.Add o -> by(Elementwise.ADD, o, context);
      case Op.GeluForward o -> by(Gelu.FORWARD, o, context);
      case Op.GeluBackward o -> by(Gelu.BACKWARD, o, context);
      case Op.CrossEntropyForward o -> by(CrossEntropy.FORWARD, o, context);
      case Op.CrossEntropyBackward o -> by(CrossEntropy.BACKWARD, o, context);
      case Op.Classifier o -> by(Classifier.KERNEL, o, context);
      case Op.MeanForward o -> by(Elementwise.MEAN, o, context);
      case Op.MeanBackward o -> by(Elementwise.MEAN_BACKWARD, o, context);
      case Op.Fill o -> by(Elementwise.CONSTANT, o, context);
      case Op.GlobalNorm o -> by(GlobalNorm.KERNEL, o, context);
      case Op.Quantize o -> by(EightBit.QUANTIZE, o, context);
      case Op.ScaledMatmul o -> by(EightBit.MATMUL, o, context);
      case Op.AdamW o -> by(AdamW.KERNEL, o, context);
      case Op.Cast o -> by(Elementwise.CAST, o, context);
      case MuonOp.MuonMomentum o -> by(Muon.MOMENTUM, o, context);
      case MuonOp.Normalize o -> by(Muon.NORMALIZE, o, context);
      case MuonOp.WeightedSum o -> by(Muon.WEIGHTED_SUM, o, context);
      case MuonOp.MuonUpdate o -> by(Muon.UPDATE, o, context);
    };
  }

  private static <O extends Op, C extends LaunchContext<C>> List<Command> by(
      Kernel<O> kernel, O op, C context) {
    if (context.of(kernel).isEmpty()) {
      throw Failure.usage(
          context.versions().machine().backend()
              + (op instanceof Op.EightBit
                  ? " has no products of 8 bits; take " + setting("dtype") + " bf16"
                  : " has no kernel for " + op.kind()));
    }
    return context.versions().launches(kernel, op, context);
  }
}
