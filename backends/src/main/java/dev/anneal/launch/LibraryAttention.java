package dev.anneal.launch;

import dev.anneal.launch.AttentionSupport.Gradient;
import dev.anneal.launch.AttentionSupport.Scratch;
import dev.anneal.launch.AttentionSupport.Shape;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Attention by a library, where it takes the shape.
 *
 * <p>The backward pass has three versions. In one, blocks of keys add up the queries' gradients in
 * fp32. In the next the gradients of all scores go through scratch, for so much of the batch at a
 * time that this is not more than {@link #MOST_SCORES}: small enough to stay near the chip, and no
 * part of what the whole batch would take. The last one is the fastest of these two and our own
 * kernels, by {@link Ways}. None of them stands for another where it cannot do a shape: their bits
 * differ, and those of sums may from run to run.
 */
final class LibraryAttention {
  /**
   * Scratch for the gradients of scores: those of 11 sequences of GPT-2 124M. With 10, a step of 64
   * sequences would have more than 340 launches.
   */
  private static final long MOST_SCORES = 264L << 20;

  private LibraryAttention() {}

  private static Shape shape(Tensor out, int heads) {
    return new Shape(
        out.dtype(), out.shape().dim(0), out.shape().dim(1), heads, out.shape().dim(2) / heads);
  }

  /** Nothing where own kernels must do it, as in all that follow. */
  static Optional<List<Command>> forward(Op.AttentionForward op, CudaContext context) {
    Shape shape = shape(op.out(), op.heads());
    return context
        .attention()
        .flatMap(library -> library.forward(shape))
        .map(
            scratch -> {
              Place workspace = context.scratch(scratch.bytes());
              return commands(
                  scratch,
                  workspace,
                  List.of(
                      new FusedAttention.Forward(
                          shape,
                          Place.data(op.out()),
                          Place.data(op.logSumExp()),
                          Place.data(op.qkv()),
                          workspace)));
            });
  }

  static Optional<List<Command>> summed(Op.AttentionBackward op, CudaContext context) {
    return context.wants(Attention.BACKWARD, Attention.SUMMED)
        ? context
            .attention()
            .flatMap(library -> summed(library, op, context))
            .map(way -> way.commands().apply(context))
        : Optional.empty();
  }

  static Optional<List<Command>> inParts(Op.AttentionBackward op, CudaContext context) {
    return context.wants(Attention.BACKWARD, Attention.IN_PARTS)
        ? context
            .attention()
            .flatMap(library -> inParts(library, op, context))
            .map(way -> way.commands().apply(context))
        : Optional.empty();
  }

  static Optional<List<Command>> fastest(Op.AttentionBackward op, CudaContext context) {
    return context
        .attention()
        .flatMap(library -> fastest(library, op, context))
        .map(way -> way.commands().apply(context));
  }

  private static Optional<Ways.Way> fastest(
      AttentionSupport library, Op.AttentionBackward op, CudaContext context) {
    List<Ways.Way> ways =
        new ArrayList<>(
            Stream.of(inParts(library, op, context), summed(library, op, context))
                .flatMap(Optional::stream)
                .toList());
    if (ways.isEmpty() || context.ways().isEmpty()) {
      return ways.stream().findFirst();
    }
    ways.add(
        new Ways.Way(
            "own kernels",
            context.versions().number(Attention.BACKWARD, Attention.OWN_BACKWARD),
            there ->
                there.versions().launches(Attention.BACKWARD, op, there, Attention.OWN_BACKWARD)));
    return Optional.of(
        context
            .ways()
            .get()
            .fastest(
                Attention.BACKWARD.name(),
                shape(op.out(), op.heads()).toString(),
                op,
                ways,
                context));
  }

  private static Optional<Ways.Way> summed(
      AttentionSupport library, Op.AttentionBackward op, CudaContext context) {
    Shape shape = shape(op.out(), op.heads());
    return library
        .backward(shape, Gradient.SUMMED)
        .map(
            scratch ->
                new Ways.Way(
                    library.name() + ", summed",
                    context.versions().number(Attention.BACKWARD, Attention.SUMMED),
                    there -> parts(op, Gradient.SUMMED, List.of(shape.batch()), scratch, there)));
  }

  private static Optional<Ways.Way> inParts(
      AttentionSupport library, Op.AttentionBackward op, CudaContext context) {
    Shape shape = shape(op.out(), op.heads());
    return sizes(library, shape)
        .map(
            parts ->
                new Ways.Way(
                    library.name() + " in " + parts.sizes().size() + " parts of the batch",
                    context.versions().number(Attention.BACKWARD, Attention.IN_PARTS),
                    there -> parts(op, Gradient.OF_SCORES, parts.sizes(), parts.scratch(), there)));
  }

  /** How many sequences each part has, and what the largest needs. */
  private record Parts(List<Integer> sizes, Scratch scratch) {
    boolean fit() {
      return scratch.bytes() <= MOST_SCORES;
    }

    long bytesPerSequence() {
      return Math.ceilDiv(Math.max(1, scratch.bytes()), (long) sizes.getFirst());
    }
  }

  private static Optional<Parts> sizes(AttentionSupport library, Shape shape) {
    int batch = shape.batch();
    int most = within(batch, shape.of(1).scoreBytes());
    Optional<Parts> parts = parts(library, shape, most);
    int more = parts.map(each -> within(batch, each.bytesPerSequence())).orElse(0);
    if (more > most) {
      // An engine that needs less takes more at a time.
      Optional<Parts> fewer = parts(library, shape, more).filter(Parts::fit);
      return fewer.isPresent() ? fewer : parts;
    }
    while (most > 1 && parts.isPresent() && !parts.get().fit()) {
      most /= 2;
      parts = parts(library, shape, most);
    }
    return parts;
  }

  /** Sequences of {@code bytes} each that there is room for, one at least. */
  private static int within(int batch, long bytes) {
    return (int) Math.clamp(MOST_SCORES / bytes, 1, batch);
  }

  /** As few parts of at most {@code most} as there can be, which differ by one at most. */
  private static Optional<Parts> parts(AttentionSupport library, Shape shape, int most) {
    int count = Math.ceilDiv(shape.batch(), most);
    List<Integer> sizes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      sizes.add(shape.batch() / count + (i < shape.batch() % count ? 1 : 0));
    }
    Optional<Scratch> largest = library.backward(shape.of(sizes.getFirst()), Gradient.OF_SCORES);
    Optional<Scratch> smallest = library.backward(shape.of(sizes.getLast()), Gradient.OF_SCORES);
    return largest.flatMap(
        a ->
            smallest.map(
                b ->
                    new Parts(
                        sizes,
                        new Scratch(
                            Math.max(a.bytes(), b.bytes()),
                            Math.max(a.clearedBytes(), b.clearedBytes())))));
  }

  /** A command for each part of the batch, from its first sequence on. */
  private static List<Command> parts(
      Op.AttentionBackward op,
      Gradient gradient,
      List<Integer> sizes,
      Scratch scratch,
      CudaContext context) {
    Place workspace = context.scratch(scratch.bytes());
    Shape shape = shape(op.out(), op.heads());
    List<Command> commands = new ArrayList<>();
    int first = 0;
    for (int size : sizes) {
      commands.add(
          new FusedAttention.Backward(
              shape.of(size),
              gradient,
              from(op.dQkv(), first),
              from(op.delta(), first),
              from(op.dOut(), first),
              from(op.qkv(), first),
              from(op.out(), first),
              from(op.logSumExp(), first),
              workspace));
      first += size;
    }
    return commands(scratch, workspace, commands);
  }

  /** Where a sequence begins. */
  private static Place from(Tensor tensor, int sequence) {
    return new Place.Data(tensor, tensor.elements() / tensor.shape().dim(0) * sequence);
  }

  private static List<Command> commands(Scratch scratch, Place workspace, List<Command> attention) {
    if (scratch.clearedBytes() == 0) {
      return attention;
    }
    List<Command> all = new ArrayList<>();
    all.add(new Command.Clear(workspace, scratch.clearedBytes()));
    all.addAll(attention);
    return all;
  }
}
