package dev.anneal.gpu;

import dev.anneal.plan.DType;
import dev.anneal.plan.MuonOp;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** From ops to what the stream is told. */
final class OpCommands {
  private OpCommands() {}

  /**
   * The commands of each op, in order. Where one kernel computes several ops that follow each
   * other, the first of them has it and the others have nothing.
   */
  static List<List<Command>> of(List<Op> ops, OpContext context) {
    List<List<Command>> commands = new ArrayList<>();
    for (Group group : groups(ops, context)) {
      commands.add(group.commands());
      for (int i = 1; i < group.ops().size(); i++) {
        commands.add(List.of());
      }
    }
    return commands;
  }

  /**
   * Ops that follow each other and the commands that compute them together.
   *
   * @param scratch of these commands alone
   */
  record Group(List<Op> ops, List<Command> commands, List<Workspace.Room> scratch) {}

  /** The same in groups. */
  static List<Group> groups(List<Op> ops, OpContext context) {
    List<Group> groups = new ArrayList<>();
    int done = 0;
    while (done < ops.size()) {
      context.workspace().nextOp();
      Together first = together(ops.subList(done, ops.size()), context);
      groups.add(
          new Group(
              ops.subList(done, done + first.ops()),
              first.commands().stream().map(command -> formatted(command, first.real())).toList(),
              context.workspace().rooms()));
      done += first.ops();
    }
    return groups;
  }

  /** A launch is of a file compiled for {@code real}. */
  static Command formatted(Command command, DType real) {
    return command instanceof Command.Launch launch ? launch.with(real) : command;
  }

  /** What the first of some ops need, or the first one alone; and the format of their kernels. */
  private record Together(int ops, DType real, List<Command> commands) {}

  private static Together together(List<Op> ops, OpContext any) {
    Op op = ops.getFirst();
    DType real = OpFormats.real(op);
    OpContext context = any.with(real);
    if (op instanceof Op.Add add
        && ops.size() > 1
        && ops.get(1) instanceof Op.LayerNormForward norm
        && LayerNorm.fuses(add, norm, context)) {
      return new Together(2, real, LayerNorm.addThenNormalize(add, norm, context));
    }
    Optional<List<Command>> product = productAndNext(ops, context);
    if (product.isPresent()) {
      return new Together(2, real, product.get());
    }
    if (op instanceof Op.CrossEntropyForward loss
        && ops.size() > 1
        && ops.get(1) instanceof Op.CrossEntropyBackward gradient
        && CrossEntropy.fuses(loss, gradient, context)) {
      return new Together(2, real, CrossEntropy.both(loss, gradient, context));
    }
    if (ops.size() > 1
        && ops.get(1) instanceof Op.Quantize quantize
        && OpFormats.real(quantize) == real) {
      Optional<List<Command>> made = EightBit.madeAndQuantized(op, quantize, context);
      if (made.isPresent()) {
        return new Together(2, real, made.get());
      }
    }
    List<Op.Quantize> weights = WeightQuantization.together(ops, context);
    if (weights.size() > 1) {
      return new Together(weights.size(), real, WeightQuantization.commands(weights, context));
    }
    if (op instanceof Op.AdamW first && context.version("adamw") == 3) {
      return updates(first, ops, context);
    }
    return new Together(1, real, of(op, context));
  }

  /** What a library of matrices does at once of the first two ops. */
  private static Optional<List<Command>> productAndNext(List<Op> ops, OpContext context) {
    if (ops.size() < 2) {
      return Optional.empty();
    }
    Op next = ops.get(1);
    List<Op> after = ops.subList(2, ops.size());
    return switch (ops.getFirst()) {
      case Op.MatmulForward p when next instanceof Op.Add add ->
          LibraryMatmul.forwardThenAdd(p, add, after, context);
      case Op.ScaledMatmul p when next instanceof Op.Add add ->
          LibraryMatmul.scaledThenAdd(p, add, after, context);
      case Op.MatmulForward p when next instanceof Op.GeluForward gelu ->
          LibraryMatmul.forwardThenGelu(p, gelu, context);
      case Op.MatmulBackwardInput p when next instanceof Op.GeluBackward gelu ->
          LibraryMatmul.inputThroughGelu(p, gelu, after, context);
      case Op.MatmulBackwardWeight p when next instanceof Op.BiasBackward bias ->
          LibraryMatmul.weightAndBias(p, bias, context);
      default -> Optional.empty();
    };
  }

  /** All updates in a row, and the copies of their parameters that follow at once. */
  private static Together updates(Op.AdamW first, List<Op> ops, OpContext context) {
    List<Op.AdamW> updates = new ArrayList<>();
    for (Op op : ops) {
      if (!(op instanceof Op.AdamW next) || !Optimizer.together(first, next)) {
        break;
      }
      updates.add(next);
    }
    Set<Tensor> parameters = updates.stream().map(Op.AdamW::parameter).collect(Collectors.toSet());
    Map<Tensor, Tensor> copies = new HashMap<>();
    DType real = OpFormats.real(first);
    for (Op op : ops.subList(updates.size(), ops.size())) {
      if (!(op instanceof Op.Cast cast)
          || !parameters.contains(cast.in())
          || copies.containsKey(cast.in())
          || !copies.isEmpty() && OpFormats.real(cast) != real) {
        break;
      }
      real = OpFormats.real(cast);
      copies.put(cast.in(), cast.out());
    }
    return new Together(
        updates.size() + copies.size(), real, Optimizer.allAdamW(updates, copies, context));
  }

  private static List<Command> of(Op op, OpContext context) {
    return switch (op) {
      case Op.EmbeddingForward o -> Embedding.forward(o, context);
      case Op.TokenEmbeddingBackward o -> Embedding.tokenBackward(o, context);
      case Op.PositionEmbeddingBackward o -> Embedding.positionBackward(o, context);
      case Op.LayerNormForward o -> LayerNorm.forward(o, context);
      case Op.LayerNormBackward o -> LayerNorm.backward(o, context);
      case Op.MatmulForward o -> Matmul.forward(o, context);
      case Op.MatmulBackwardInput o -> Matmul.backwardInput(o, context);
      case Op.MatmulBackwardWeight o -> Matmul.backwardWeight(o, context);
      case Op.BiasBackward o -> Matmul.biasBackward(o, context);
      case Op.AttentionForward o -> Attention.forward(o, context);
      case Op.AttentionBackward o -> Attention.backward(o, context);
      case Op.CachedAttention o -> Attention.cached(o, context);
      case Op.Add o -> Elementwise.add(o, context);
      case Op.GeluForward o -> Elementwise.gelu(o, context);
      case Op.GeluBackward o -> Elementwise.geluBackward(o, context);
      case Op.CrossEntropyForward o -> CrossEntropy.forward(o, context);
      case Op.CrossEntropyBackward o -> CrossEntropy.backward(o, context);
      case Op.Classifier o -> Classifier.commands(o, context);
      case Op.MeanForward o -> Elementwise.mean(o, context);
      case Op.MeanBackward o -> Elementwise.meanBackward(o, context);
      case Op.Fill o -> Elementwise.fill(o, context);
      case Op.GlobalNorm o -> Optimizer.globalNorm(o, context);
      case Op.Quantize o -> EightBit.quantize(o, context);
      case Op.ScaledMatmul o -> EightBit.matmul(o, context);
      case Op.AdamW o -> Optimizer.adamW(o, context);
      case Op.Cast o -> Optimizer.cast(o, context);
      case MuonOp o -> Muon.commands(o, context);
    };
  }
}
