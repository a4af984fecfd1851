package dev.anneal.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An {@link Op.Classifier} as ops that every device has, on parts of its tensors: for each chunk of
 * tokens the logits, their losses, their gradients in place, and the two products with these.
 *
 * @param ops of all chunks in order
 * @param parts where those of their tensors lie that are no tensors of the classifier
 */
public record ClassifierChunks(List<Op> ops, Map<Tensor, Part> parts) {
  public ClassifierChunks {
    ops = List.copyOf(ops);
    parts = Map.copyOf(parts);
  }

  /** Elements of {@code whole} from {@code first} on. */
  public record Part(Tensor whole, long first) {
    /** The offset from the start of the whole. */
    public long bytes() {
      return first * whole.dtype().bytes();
    }
  }

  /** Where {@code tensor} lies. */
  public Part part(Tensor tensor) {
    return parts.getOrDefault(tensor, new Part(tensor, 0));
  }

  public static ClassifierChunks of(Op.Classifier op) {
    List<Op> ops = new ArrayList<>();
    Map<Tensor, Part> parts = new HashMap<>();
    int rows = op.logits().shape().dim(0);
    int all = Math.toIntExact(op.targets().elements());
    for (int from = 0; from < all; from += rows) {
      Chunk chunk = new Chunk(from, Math.min(rows, all - from), parts);
      Tensor logits = chunk.room(op.logits());
      Tensor in = chunk.of(op.in());
      Tensor targets = chunk.of(op.targets());
      Tensor logSumExp = chunk.of(op.logSumExp());
      ops.add(new Op.MatmulForward(logits, in, op.weight(), Optional.empty()));
      ops.add(
          new Op.CrossEntropyForward(
              chunk.of(op.losses()), logSumExp, logits, targets, op.vocabulary()));
      ops.add(
          new Op.CrossEntropyBackward(
              logits, chunk.of(op.dLosses()), logits, logSumExp, targets, op.vocabulary()));
      boolean accumulate = op.accumulate() || from > 0;
      ops.add(new Op.MatmulBackwardWeight(op.dWeight(), logits, in, accumulate));
      ops.add(new Op.MatmulBackwardInput(chunk.of(op.dIn()), logits, op.weight()));
    }
    return new ClassifierChunks(ops, parts);
  }

  /** Some rows, and the parts that have been made so far. */
  private record Chunk(int from, int rows, Map<Tensor, Part> parts) {

    /** These rows of a tensor of all rows, (B,T) or (B,T,C). */
    Tensor of(Tensor whole) {
      boolean matrix = whole.shape().rank() > 2;
      int columns = matrix ? whole.shape().dim(-1) : 1;
      return part(whole, matrix ? Shape.of(1, rows, columns) : Shape.of(1, rows), from * columns);
    }

    /** The first rows of the room for a chunk. */
    Tensor room(Tensor whole) {
      return part(whole, Shape.of(1, rows, whole.shape().dim(-1)), 0);
    }

    private Tensor part(Tensor whole, Shape shape, long first) {
      Tensor part =
          whole.like(whole.name() + "[" + from + "]", whole.dtype(), shape, whole.arena());
      parts.put(part, new Part(whole, first));
      return part;
    }
  }
}
