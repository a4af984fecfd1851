package dev.anneal.gpu;

import dev.anneal.gpu.AttentionLibrary.Gradient;
import dev.anneal.gpu.AttentionLibrary.Scratch;
import dev.anneal.gpu.AttentionLibrary.Shape;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Attention by an {@link AttentionLibrary}, where it was chosen and takes the shape.
 *
 * <p>The backward pass has three versions. In one, blocks of keys add up the queries' gradients in
 * fp32. In the next the gradients of all scores go through scratch, for so much of the batch at a
 * time that this is not more than {@link #MOST_SCORES}: small enough to stay near the chip, and no
 * part of what the whole batch would take. The last one is the fastest of these two and our own
 * kernels, by {@link WayTrial}.
 */
final class LibraryAttention {
  /**
   * Scratch for the gradients of scores: those of 11 sequences of GPT-2 124M. With 10, a step of 64
   * sequences would have more than 340 launches.
   */
  private static final long MOST_SCORES = 264L << 20;

  /** Queries and keys that scratch for their scores comes for. */
  private static final int SCORES_MULTIPLE = 64;

  private static final String BACKWARD = "attention_backward";

  private LibraryAttention() {}

  private static Shape shape(Tensor out, int heads) {
    return new Shape(
        out.dtype(), out.shape().dim(0), out.shape().dim(1), heads, out.shape().dim(2) / heads);
  }

  /** Bytes for the gradients of all scores, as the libraries' documentation has it. */
  static long scoreBytes(Shape shape) {
    long side = Math.ceilDiv(shape.tokens(), SCORES_MULTIPLE) * (long) SCORES_MULTIPLE;
    return 2L * shape.batch() * shape.heads() * side * side;
  }

  /** Nothing where own kernels must do it. */
  static Optional<List<Command>> forward(Op.AttentionForward op, OpContext context) {
    Shape shape = shape(op.out(), op.heads());
    return context
        .libraries()
        .attention()
        .filter(library -> context.versions().byAttentionLibrary("attention_forward"))
        .flatMap(library -> library.forward(shape))
        .map(
            scratch -> {
              long workspace = context.workspace().scratch(scratch.bytes());
              return commands(
                  scratch,
                  workspace,
                  List.of(
                      new Command.AttentionForward(
                          shape,
                          context.address(op.out()),
                          context.address(op.logSumExp()),
                          context.address(op.qkv()),
                          workspace)));
            });
  }

  /**
   * Nothing where own kernels must do it.
   *
   * @param own what these would do
   */
  static Optional<List<Command>> backward(
      Op.AttentionBackward op, OpContext context, Function<OpContext, List<Command>> own) {
    if (context.libraries().attention().isEmpty()) {
      return Optional.empty();
    }
    AttentionLibrary library = context.libraries().attention().get();
    int version = context.version(BACKWARD);
    Optional<WayTrial.Way> way =
        switch (version) {
          case KernelVersions.ATTENTION_SUMMED -> summed(library, op);
          case KernelVersions.ATTENTION_IN_PARTS -> inParts(library, op);
          case KernelVersions.ATTENTION_FASTEST -> fastest(library, op, context, own);
          default -> Optional.empty();
        };
    return way.map(which -> which.commands().apply(context));
  }

  private static Optional<WayTrial.Way> fastest(
      AttentionLibrary library,
      Op.AttentionBackward op,
      OpContext context,
      Function<OpContext, List<Command>> own) {
    List<WayTrial.Way> ways =
        new ArrayList<>(
            Stream.of(inParts(library, op), summed(library, op))
                .flatMap(Optional::stream)
                .toList());
    if (ways.isEmpty() || context.trial().isEmpty()) {
      return ways.stream().findFirst();
    }
    ways.add(new WayTrial.Way("own kernels", KernelVersions.ATTENTION_OWN, own));
    Shape shape = shape(op.out(), op.heads());
    return Optional.of(
        context.trial().get().fastest(BACKWARD, shape.toString(), op, ways, context, library));
  }

  private static Optional<WayTrial.Way> summed(AttentionLibrary library, Op.AttentionBackward op) {
    Shape shape = shape(op.out(), op.heads());
    return library
        .backward(shape, Gradient.SUMMED)
        .map(
            scratch ->
                new WayTrial.Way(
                    library.name() + ", summed",
                    KernelVersions.ATTENTION_SUMMED,
                    context ->
                        parts(op, Gradient.SUMMED, List.of(shape.batch()), scratch, context)));
  }

  private static Optional<WayTrial.Way> inParts(AttentionLibrary library, Op.AttentionBackward op) {
    Shape shape = shape(op.out(), op.heads());
    return sizes(library, shape)
        .map(
            parts ->
                new WayTrial.Way(
                    library.name() + " in " + parts.sizes().size() + " parts of the batch",
                    KernelVersions.ATTENTION_IN_PARTS,
                    context ->
                        parts(op, Gradient.OF_SCORES, parts.sizes(), parts.scratch(), context)));
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

  private static Optional<Parts> sizes(AttentionLibrary library, Shape shape) {
    int batch = shape.batch();
    int most = within(batch, scoreBytes(shape.of(1)));
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
  private static Optional<Parts> parts(AttentionLibrary library, Shape shape, int most) {
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

  /** A command for each part of the batch, with the addresses of its first sequence. */
  private static List<Command> parts(
      Op.AttentionBackward op,
      Gradient gradient,
      List<Integer> sizes,
      Scratch scratch,
      OpContext context) {
    long workspace = context.workspace().scratch(scratch.bytes());
    Shape shape = shape(op.out(), op.heads());
    List<Command> commands = new ArrayList<>();
    int first = 0;
    for (int size : sizes) {
      commands.add(
          new Command.AttentionBackward(
              shape.of(size),
              gradient,
              from(op.dQkv(), first, context),
              from(op.delta(), first, context),
              from(op.dOut(), first, context),
              from(op.qkv(), first, context),
              from(op.out(), first, context),
              from(op.logSumExp(), first, context),
              workspace));
      first += size;
    }
    return commands(scratch, workspace, commands);
  }

  /** The address of a sequence. */
  private static long from(Tensor tensor, int sequence, OpContext context) {
    return context.address(tensor) + tensor.bytes() / tensor.shape().dim(0) * sequence;
  }

  private static List<Command> commands(Scratch scratch, long workspace, List<Command> attention) {
    if (scratch.clearedBytes() == 0) {
      return attention;
    }
    List<Command> all = new ArrayList<>();
    all.add(new Command.Clear(workspace, scratch.clearedBytes()));
    all.addAll(attention);
    return all;
  }
}
