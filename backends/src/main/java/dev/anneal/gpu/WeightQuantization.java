package dev.anneal.gpu;

import static dev.anneal.gpu.Argument.address;
import static dev.anneal.gpu.Argument.f32;
import static dev.anneal.gpu.Argument.i32;

import dev.anneal.gpu.Command.Grid;
import dev.anneal.gpu.Command.Launch;
import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;

/** The quantisation of all weights after an update, in two launches of quantize.cu. */
final class WeightQuantization {
  private static final int WORDS = 6;
  private static final int CHUNK_WORDS = 3;

  private WeightQuantization() {}

  /** The first of {@code ops} that can be done together: they are alike and share no memory. */
  static List<Op.Quantize> together(List<Op> ops, OpContext context) {
    List<Op.Quantize> some = new ArrayList<>();
    for (Op op : ops) {
      if (!(op instanceof Op.Quantize next)
          || !EightBit.isConverted(next, context)
          || !some.isEmpty() && !alike(some.getFirst(), next)
          || some.stream().anyMatch(before -> meets(before, next, context))) {
        break;
      }
      some.add(next);
    }
    return some;
  }

  private static boolean alike(Op.Quantize a, Op.Quantize b) {
    return a.format() == b.format() && a.in().dtype() == b.in().dtype();
  }

  /** Whether one writes where the other reads or writes. */
  private static boolean meets(Op.Quantize a, Op.Quantize b, OpContext context) {
    return touches(a, b, context) || touches(b, a, context);
  }

  private static boolean touches(Op.Quantize writer, Op.Quantize other, OpContext context) {
    return writer.writes().stream()
        .anyMatch(written -> other.tensors().stream().anyMatch(t -> context.overlap(written, t)));
  }

  static List<Command> commands(List<Op.Quantize> ops, OpContext context) {
    // struct Weight and struct WeightChunks of quantize.cu for each.
    long[] words = new long[WORDS * ops.size()];
    long[] chunkWords = new long[CHUNK_WORDS * ops.size()];
    int at = 0;
    int atChunk = 0;
    long chunks = 0;
    long tiles = 0;
    for (Op.Quantize op : ops) {
      int k = op.in().shape().dim(-1);
      int m = Math.toIntExact(op.in().elements() / k);
      words[at++] = context.address(op.in());
      words[at++] = op.out().map(context::address).orElse(0L);
      words[at++] = op.transposed().map(context::address).orElse(0L);
      words[at++] = context.address(op.scale());
      words[at++] = (long) k << 32 | m;
      words[at++] = tiles << 32 | chunks;
      chunkWords[atChunk++] = context.address(op.in());
      chunkWords[atChunk++] = op.in().elements();
      chunkWords[atChunk++] = chunks;
      chunks += EightBit.chunks(op);
      tiles += EightBit.wideTiles(m, k);
    }
    Argument table = address(context.workspace().constant(words));
    Argument largest = context.scratch(4 * chunks);
    Argument count = i32(ops.size());
    Op.Quantize first = ops.getFirst();
    return List.of(
        Launch.of(
            EightBit.FILE,
            "largest_of_weights",
            Grid.of(chunks),
            EightBit.THREADS,
            largest,
            address(context.workspace().constant(chunkWords)),
            count),
        Launch.of(
            EightBit.FILE,
            "quantize_weights",
            Grid.of(tiles),
            EightBit.THREADS,
            table,
            count,
            largest,
            EightBit.format(first.writes().getFirst().dtype()),
            f32(first.format().largest())));
  }
}
