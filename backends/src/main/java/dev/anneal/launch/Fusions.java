package dev.anneal.launch;

import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Which ops that follow each other one launch, or one call of a library, does together. */
final class Fusions {
  private Fusions() {}

  /** So many of the first of some ops, the format of their kernels, and what they need. */
  record Together(int ops, DType real, List<Command> commands) {}

  /** Nothing where the first op is done alone. */
  static Optional<Together> of(List<Op> ops, DType real, CudaContext context) {
    return two(ops, real, context)
        .map(commands -> new Together(2, real, commands))
        .or(() -> weights(ops, real, context))
        .or(
            () ->
                ops.getFirst() instanceof Op.AdamW first
                        && context.reaches(AdamW.KERNEL, AdamW.ALL_PARAMETERS)
                    ? Optional.of(updates(first, ops, context))
                    : Optional.empty());
  }

  private static Optional<List<Command>> two(List<Op> ops, DType real, CudaContext context) {
    if (ops.size() < 2) {
      return Optional.empty();
    }
    Op next = ops.get(1);
    Optional<List<Command>> both =
        switch (ops.getFirst()) {
          case Op.Add add when next instanceof Op.LayerNormForward norm ->
              LayerNorm.addThenNormalize(add, norm, context);
          case Op.CrossEntropyForward loss when next instanceof Op.CrossEntropyBackward gradient ->
              CrossEntropy.both(loss, gradient, context);
          default -> byLibrary(ops, context);
        };
    return both.isEmpty()
            && next instanceof Op.Quantize quantize
            && OpFormats.real(quantize) == real
        ? EightBit.madeAndQuantized(ops.getFirst(), quantize, context)
        : both;
  }

  /** What a library of matrices does at once of the first two ops. */
  private static Optional<List<Command>> byLibrary(List<Op> ops, CudaContext context) {
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

  private static Optional<Together> weights(List<Op> ops, DType real, CudaContext context) {
    List<Op.Quantize> weights = WeightQuantization.together(ops, context);
    return weights.size() > 1
        ? Optional.of(
            new Together(weights.size(), real, WeightQuantization.commands(weights, context)))
        : Optional.empty();
  }

  /** All updates in a row, and the copies of their parameters that follow at once. */
  private static Together updates(Op.AdamW first, List<Op> ops, CudaContext context) {
    List<Op.AdamW> updates = new ArrayList<>();
    for (Op op : ops) {
      if (!(op instanceof Op.AdamW next) || !AdamW.together(first, next)) {
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
    return new Together(updates.size() + copies.size(), real, AdamW.all(updates, copies, context));
  }
}
