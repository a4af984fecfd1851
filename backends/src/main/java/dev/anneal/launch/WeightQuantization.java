package dev.anneal.launch;

import static dev.anneal.launch.Argument.f32;
import static dev.anneal.launch.Argument.i32;
import static dev.anneal.launch.Place.data;

import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;

/** The quantisation of all weights after an update, in two launches of quantize.cu. */
final class WeightQuantization {
  private WeightQuantization() {}

  /** The first of {@code ops} that can be done together: they are alike and share no memory. */
  static List<Op.Quantize> together(List<Op> ops, CudaContext context) {
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
  private static boolean meets(Op.Quantize a, Op.Quantize b, CudaContext context) {
    return touches(a, b, context) || touches(b, a, context);
  }

  private static boolean touches(Op.Quantize writer, Op.Quantize other, CudaContext context) {
    return writer.writes().stream()
        .anyMatch(written -> other.tensors().stream().anyMatch(t -> context.overlap(written, t)));
  }

  static List<Command> commands(List<Op.Quantize> ops, CudaContext context) {
    // struct Weight and struct WeightChunks of quantize.cu for each.
    List<Place.Word> words = new ArrayList<>();
    List<Place.Word> chunkWords = new ArrayList<>();
    long chunks = 0;
    long tiles = 0;
    for (Op.Quantize op : ops) {
      Place.Word in = new Place.Address(data(op.in()));
      words.add(in);
      words.add(new Place.Address(data(op.out())));
      words.add(new Place.Address(data(op.transposed())));
      words.add(new Place.Address(data(op.scale())));
      words.add(new Place.Number(EightBit.sizes(op)));
      words.add(new Place.Number(tiles << 32 | chunks));
      chunkWords.add(in);
      chunkWords.add(new Place.Number(op.in().elements()));
      chunkWords.add(new Place.Number(chunks));
      chunks += EightBit.chunks(op);
      tiles += EightBit.wideTiles(op);
    }
    Place largest = context.scratch(4 * chunks);
    Argument count = i32(ops.size());
    Op.Quantize first = ops.getFirst();
    return List.of(
        Launch.of(
            EightBit.FILE,
            "largest_of_weights",
            Grid.of(chunks),
            EightBit.THREADS,
            largest,
            new Place.Table(chunkWords),
            count),
        Launch.of(
            EightBit.FILE,
            "quantize_weights",
            Grid.of(tiles),
            EightBit.THREADS,
            new Place.Table(words),
            count,
            largest,
            EightBit.format(first.writes().getFirst().dtype()),
            f32(first.format().largest())));
  }
}
