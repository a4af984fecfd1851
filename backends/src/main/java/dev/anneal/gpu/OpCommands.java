package dev.anneal.gpu;

import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;

/** From ops to what the stream is told. */
final class OpCommands {
  private OpCommands() {}

  /**
   * The commands of each op, in order. Where one kernel computes several ops that follow each
   * other, the first of them has it and the others have nothing.
   */
  static List<List<Command>> of(List<Op> ops, OpContext context) {
    List<List<Command>> commands = new ArrayList<>();
    while (commands.size() < ops.size()) {
      context.workspace().nextOp();
      int i = commands.size();
      Op op = ops.get(i);
      if (op instanceof Op.Add add
          && i + 1 < ops.size()
          && ops.get(i + 1) instanceof Op.LayerNormForward norm
          && LayerNorm.fuses(add, norm, context)) {
        commands.add(LayerNorm.addThenNormalize(add, norm, context));
        commands.add(List.of());
      } else if (op instanceof Op.MatmulForward product
          && i + 1 < ops.size()
          && ops.get(i + 1) instanceof Op.GeluForward gelu
          && LibraryMatmul.fuses(product, gelu, context)) {
        commands.add(LibraryMatmul.forwardThenGelu(product, gelu, context));
        commands.add(List.of());
      } else if (op instanceof Op.AdamW first && context.version("adamw") == 3) {
        List<Op.AdamW> all = new ArrayList<>(List.of(first));
        while (i + all.size() < ops.size()
            && ops.get(i + all.size()) instanceof Op.AdamW next
            && Optimizer.together(first, next)) {
          all.add(next);
        }
        commands.add(Optimizer.allAdamW(all, context));
        all.stream().skip(1).forEach(one -> commands.add(List.of()));
      } else {
        commands.add(of(op, context));
      }
    }
    return commands;
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
      case Op.MeanForward o -> Elementwise.mean(o, context);
      case Op.MeanBackward o -> Elementwise.meanBackward(o, context);
      case Op.Fill o -> Elementwise.fill(o, context);
      case Op.GlobalNorm o -> Optimizer.globalNorm(o, context);
      case Op.AdamW o -> Optimizer.adamW(o, context);
    };
  }
}
