package dev.anneal.gpu;

import static dev.anneal.gpu.Argument.address;
import static dev.anneal.gpu.Argument.i32;
import static dev.anneal.gpu.Argument.i64;

import dev.anneal.gpu.Command.Clear;
import dev.anneal.gpu.Command.Grid;
import dev.anneal.gpu.Command.Launch;
import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;

/** Token and position embeddings: embedding.cu. */
final class Embedding {
  private static final String FILE = "embedding.cu";
  private static final int THREADS = 256;
  private static final int ROW_THREADS = 128;
  private static final int SCAN_THREADS = 1024;

  private Embedding() {}

  private static Grid rowsByPacks(int rows, int c, OpContext context) {
    return Grid.of(rows, Math.ceilDiv(Math.ceilDiv(c, context.pack()), ROW_THREADS));
  }

  static List<Command> forward(Op.EmbeddingForward op, OpContext context) {
    int rows = Math.toIntExact(op.tokens().elements());
    int t = op.tokens().shape().dim(-1);
    int c = op.wte().shape().dim(-1);
    int version = context.version("embedding_forward");
    return List.of(
        Launch.of(
            FILE,
            "embedding_forward_v" + version,
            version == 1 ? Grid.covering((long) rows * c, THREADS) : rowsByPacks(rows, c, context),
            version == 1 ? THREADS : ROW_THREADS,
            context.at(op.out()),
            context.at(op.tokens()),
            context.at(op.wte()),
            context.at(op.wpe()),
            context.at(op.start()),
            i32(rows),
            i32(t),
            i32(c)));
  }

  static List<Command> tokenBackward(Op.TokenEmbeddingBackward op, OpContext context) {
    return context.version("token_embedding_backward") == 1
        ? plain(op, context)
        : inBuckets(op, context);
  }

  private static List<Command> plain(Op.TokenEmbeddingBackward op, OpContext context) {
    int rows = Math.toIntExact(op.tokens().elements());
    int c = op.dWte().shape().dim(1);
    long n = op.dWte().elements();
    List<Command> commands = new ArrayList<>();
    if (!op.accumulate()) {
      commands.add(
          Launch.of(
              FILE,
              "token_embedding_clear_v1",
              Grid.covering(n, THREADS),
              THREADS,
              context.at(op.dWte()),
              i64(n)));
    }
    commands.add(
        Launch.of(
            FILE,
            "token_embedding_backward_v1",
            Grid.covering(c, THREADS),
            THREADS,
            context.at(op.dWte()),
            context.at(op.dOut()),
            context.at(op.tokens()),
            i32(rows),
            i32(c)));
    return commands;
  }

  private static List<Command> inBuckets(Op.TokenEmbeddingBackward op, OpContext context) {
    int rows = Math.toIntExact(op.tokens().elements());
    int vocabulary = op.dWte().shape().dim(0);
    int c = op.dWte().shape().dim(1);
    long countsAt = context.workspace().scratch(4L * vocabulary);
    Argument counts = address(countsAt);
    Argument starts = context.scratch(4L * (vocabulary + 1));
    Argument unordered = context.scratch(4L * rows);
    Argument ordered = context.scratch(4L * rows);
    Argument tokens = context.at(op.tokens());
    Grid perRow = Grid.covering(rows, THREADS);
    return List.of(
        new Clear(countsAt, 4L * vocabulary),
        Launch.of(FILE, "token_count_v2", perRow, THREADS, counts, tokens, i32(rows)),
        Launch.of(
            FILE, "token_starts_v2", Grid.of(1), SCAN_THREADS, starts, counts, i32(vocabulary)),
        Launch.of(
            FILE,
            "token_scatter_v2",
            perRow,
            THREADS,
            unordered,
            counts,
            starts,
            tokens,
            i32(rows)),
        Launch.of(
            FILE, "token_order_v2", perRow, THREADS, ordered, unordered, starts, tokens, i32(rows)),
        Launch.of(
            FILE,
            "token_embedding_backward_v2",
            Grid.of(
                Math.ceilDiv(vocabulary, THREADS / context.warp()),
                Math.ceilDiv(c, context.warp() * context.pack())),
            THREADS,
            context.at(op.dWte()),
            context.at(op.dOut()),
            ordered,
            starts,
            i32(vocabulary),
            i32(c),
            i32(op.accumulate())));
  }

  static List<Command> positionBackward(Op.PositionEmbeddingBackward op, OpContext context) {
    int positions = op.dWpe().shape().dim(0);
    int c = op.dWpe().shape().dim(1);
    int version = context.version("position_embedding_backward");
    return List.of(
        Launch.of(
            FILE,
            "position_embedding_backward_v" + version,
            version == 1
                ? Grid.covering((long) positions * c, THREADS)
                : rowsByPacks(positions, c, context),
            version == 1 ? THREADS : ROW_THREADS,
            context.at(op.dWpe()),
            context.at(op.dOut()),
            i32(op.dOut().shape().dim(0)),
            i32(op.dOut().shape().dim(1)),
            i32(positions),
            i32(c),
            i32(op.accumulate())));
  }
}
