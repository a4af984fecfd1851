package dev.anneal.launch;

import static dev.anneal.launch.Argument.i32;
import static dev.anneal.launch.Argument.i64;
import static dev.anneal.launch.Place.activations;
import static dev.anneal.launch.Place.data;

import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;

/** Token and position embeddings: embedding.cu, embedding.cl. */
final class Embedding {
  private static final KernelFile CUDA = KernelFile.of("embedding.cu");
  private static final KernelFile OPENCL = KernelFile.of("embedding");
  private static final int THREADS = 256;
  private static final int ROW_THREADS = 128;
  private static final int SCAN_THREADS = 1024;

  static final Kernel<Op.EmbeddingForward> FORWARD =
      new Kernel<>(
          "embedding_forward",
          Op.EmbeddingForward.class,
          List.of(
              Version.numbered(1, Ideas.PLAIN, Embedding::forward),
              Version.numbered(2, Ideas.PACKS, Embedding::forward)),
          List.of(Version.of(Ideas.PER_ELEMENT, Embedding::forward)));

  static final Kernel<Op.TokenEmbeddingForward> TOKEN_FORWARD =
      new Kernel<>(
          "token_embedding_forward",
          Op.TokenEmbeddingForward.class,
          List.of(
              Version.of(Ideas.PLAIN, (op, context) -> tokens(1, op, context)),
              Version.of(Ideas.PACKS, (op, context) -> tokens(2, op, context))),
          List.of(Version.of(Ideas.PER_ELEMENT, Embedding::tokens)));

  static final Kernel<Op.TokenEmbeddingBackward> TOKEN_BACKWARD =
      new Kernel<>(
          "token_embedding_backward",
          Op.TokenEmbeddingBackward.class,
          List.of(
              Version.of(
                  "plain: one thread per channel walks through all tokens", Embedding::walking),
              Version.of("tokens in buckets, a warp per vocabulary row", Embedding::inBuckets)),
          List.of(
              Version.of("one work-item per channel, over all tokens in order", Embedding::walking),
              Version.of(
                  "one work-item per channel and distinct token, along a chain of equal tokens",
                  Ideas.ANY,
                  Embedding::alongChains)));

  static final Kernel<Op.PositionEmbeddingBackward> POSITION_BACKWARD =
      new Kernel<>(
          "position_embedding_backward",
          Op.PositionEmbeddingBackward.class,
          List.of(
              Version.numbered(1, Ideas.PLAIN, Embedding::positions),
              Version.numbered(2, Ideas.PACKS, Embedding::positions)),
          List.of(Version.of(Ideas.PER_ELEMENT, Embedding::positions)));

  private Embedding() {}

  /** A thread per element in version 1; in version 2 a row's packs in blocks of their own. */
  private static Grid grid(int version, int rows, int c, CudaContext context) {
    return version == 1
        ? Grid.covering((long) rows * c, THREADS)
        : Grid.of(rows, Math.ceilDiv(Math.ceilDiv(c, context.pack()), ROW_THREADS))
            .inBlocksOf(ROW_THREADS);
  }

  private static List<Command> forward(int version, Op.EmbeddingForward op, CudaContext context) {
    int rows = Math.toIntExact(op.tokens().elements());
    int c = op.wte().shape().dim(-1);
    return List.of(
        Launch.of(
            CUDA,
            "embedding_forward_v" + version,
            grid(version, rows, c, context),
            data(op.out()),
            data(op.tokens()),
            data(op.wte()),
            data(op.wpe()),
            data(op.start()),
            i32(rows),
            i32(op.tokens().shape().dim(-1)),
            i32(c)));
  }

  private static List<Command> tokens(
      int version, Op.TokenEmbeddingForward op, CudaContext context) {
    int rows = Math.toIntExact(op.tokens().elements());
    int c = op.wte().shape().dim(-1);
    return List.of(
        Launch.of(
            CUDA,
            "token_embedding_forward_v" + version,
            grid(version, rows, c, context),
            data(op.out()),
            data(op.tokens()),
            data(op.wte()),
            i32(rows),
            i32(c)));
  }

  private static List<Command> walking(Op.TokenEmbeddingBackward op, CudaContext context) {
    int rows = Math.toIntExact(op.tokens().elements());
    int c = op.dWte().shape().dim(1);
    long n = op.dWte().elements();
    List<Command> commands = new ArrayList<>();
    if (!op.accumulate()) {
      commands.add(
          Launch.of(
              CUDA,
              "token_embedding_clear_v1",
              Grid.covering(n, THREADS),
              data(op.dWte()),
              i64(n)));
    }
    commands.add(
        Launch.of(
            CUDA,
            "token_embedding_backward_v1",
            Grid.covering(c, THREADS),
            data(op.dWte()),
            data(op.dOut()),
            data(op.tokens()),
            i32(rows),
            i32(c)));
    return commands;
  }

  private static List<Command> inBuckets(Op.TokenEmbeddingBackward op, CudaContext context) {
    int rows = Math.toIntExact(op.tokens().elements());
    int vocabulary = op.dWte().shape().dim(0);
    int c = op.dWte().shape().dim(1);
    Place counts = context.scratch(4L * vocabulary);
    Place starts = context.scratch(4L * (vocabulary + 1));
    Place unordered = context.scratch(4L * rows);
    Place ordered = context.scratch(4L * rows);
    Place tokens = data(op.tokens());
    Argument n = i32(rows);
    Argument v = i32(vocabulary);
    Grid perRow = Grid.covering(rows, THREADS);
    return List.of(
        new Command.Clear(counts, 4L * vocabulary),
        Launch.of(CUDA, "token_count_v2", perRow, counts, tokens, n),
        Launch.of(CUDA, "token_starts_v2", Grid.of(1), SCAN_THREADS, starts, counts, v),
        Launch.of(CUDA, "token_scatter_v2", perRow, unordered, counts, starts, tokens, n),
        Launch.of(CUDA, "token_order_v2", perRow, ordered, unordered, starts, tokens, n),
        Launch.of(
            CUDA,
            "token_embedding_backward_v2",
            Grid.of(
                Math.ceilDiv(vocabulary, THREADS / context.warp()),
                Math.ceilDiv(c, context.warp() * context.pack())),
            THREADS,
            data(op.dWte()),
            data(op.dOut()),
            ordered,
            starts,
            v,
            i32(c),
            i32(op.accumulate())));
  }

  private static List<Command> positions(
      int version, Op.PositionEmbeddingBackward op, CudaContext context) {
    int positions = op.dWpe().shape().dim(0);
    int c = op.dWpe().shape().dim(1);
    return List.of(
        Launch.of(
            CUDA,
            "position_embedding_backward_v" + version,
            grid(version, positions, c, context),
            data(op.dWpe()),
            data(op.dOut()),
            i32(op.dOut().shape().dim(0)),
            i32(op.dOut().shape().dim(1)),
            i32(positions),
            i32(c),
            i32(op.accumulate())));
  }

  private static List<Command> forward(Op.EmbeddingForward op, OpenClContext context) {
    int c = op.wte().shape().dim(-1);
    return List.of(
        Launch.of(
            OPENCL,
            "embedding_forward_v1",
            context.items(c, op.tokens().elements()),
            activations(op.out()),
            data(op.tokens()),
            data(op.wte()),
            data(op.wpe()),
            data(op.start().orElse(op.tokens())),
            i32(op.start().isPresent()),
            i32(op.tokens().shape().dim(-1)),
            i32(c)));
  }

  private static List<Command> tokens(Op.TokenEmbeddingForward op, OpenClContext context) {
    int c = op.wte().shape().dim(-1);
    return List.of(
        Launch.of(
            OPENCL,
            "token_embedding_forward_v1",
            context.items(c, op.tokens().elements()),
            activations(op.out()),
            data(op.tokens()),
            data(op.wte()),
            i32(c)));
  }

  private static List<Command> cleared(
      Op.TokenEmbeddingBackward op, OpenClContext context, Launch... launches) {
    List<Command> all = new ArrayList<>();
    if (!op.accumulate()) {
      all.add(Elementwise.filling(op.dWte(), 0, context));
    }
    all.addAll(List.of(launches));
    return all;
  }

  private static List<Command> walking(Op.TokenEmbeddingBackward op, OpenClContext context) {
    int c = op.dWte().shape().dim(1);
    return cleared(
        op,
        context,
        Launch.of(
            OPENCL,
            "token_embedding_backward_v1",
            context.items(c),
            data(op.dWte()),
            activations(op.dOut()),
            data(op.tokens()),
            i32(op.tokens().elements()),
            i32(c)));
  }

  private static List<Command> alongChains(Op.TokenEmbeddingBackward op, OpenClContext context) {
    int m = Math.toIntExact(op.tokens().elements());
    int c = op.dWte().shape().dim(1);
    Place.Scratch first = context.floats(2L * m);
    Place.Scratch next = first.plus((long) Float.BYTES * m);
    return cleared(
        op,
        context,
        Launch.of(
            OPENCL, "link_tokens_v2", context.items(m), first, next, data(op.tokens()), i32(m)),
        Launch.of(
            OPENCL,
            "token_embedding_backward_v2",
            context.items(c, m),
            data(op.dWte()),
            activations(op.dOut()),
            data(op.tokens()),
            first,
            next,
            i32(m),
            i32(c)));
  }

  private static List<Command> positions(Op.PositionEmbeddingBackward op, OpenClContext context) {
    int c = op.dWpe().shape().dim(1);
    return List.of(
        Launch.of(
            OPENCL,
            "position_embedding_backward_v1",
            context.items(c, op.dWpe().shape().dim(0)),
            data(op.dWpe()),
            activations(op.dOut()),
            i32(op.dOut().shape().dim(0)),
            i32(op.dOut().shape().dim(1)),
            i32(c),
            i32(op.accumulate())));
  }
}
