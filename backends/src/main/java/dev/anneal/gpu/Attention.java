package dev.anneal.gpu;

import static dev.anneal.gpu.Argument.i32;

import dev.anneal.gpu.Command.Grid;
import dev.anneal.gpu.Command.Launch;
import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;

/** Causal self-attention: attention.cu, cached_attention.cu. */
final class Attention {
  private static final String FILE = "attention.cu";
  private static final String CACHED_FILE = "cached_attention.cu";
  private static final int PLAIN_THREADS = 128;
  private static final int THREADS = 256;
  private static final int WIDEST = 128;

  /** Shared memory for tiles of 64 rows of the widest. */
  private static final int WIDE_BYTES = 83 << 10;

  private Attention() {}

  /** The channels that a tile has room for. */
  private static int room(int hs) {
    return hs <= 64 ? 64 : WIDEST;
  }

  /** TILE_ROWS of attention.cu: rows in a tile of the forward pass; the backward one has half. */
  private static int tile(int room, OpContext context) {
    return room > 64 && context.hardware().sharedOptInBytes() < WIDE_BYTES ? 32 : 64;
  }

  /** Bytes of {@code rows} rows in shared memory. */
  private static int rowBytes(int rows, int room) {
    return 4 * rows * (room + 4);
  }

  private static int squareBytes(int tile) {
    return 4 * tile * (tile + 1);
  }

  static List<Command> forward(Op.AttentionForward op, OpContext context) {
    return LibraryAttention.forward(op, context).orElseGet(() -> ownForward(op, context));
  }

  private static List<Command> ownForward(Op.AttentionForward op, OpContext context) {
    int batch = op.out().shape().dim(0);
    int t = op.out().shape().dim(1);
    int heads = op.heads();
    int hs = op.out().shape().dim(2) / heads;
    if (context.version("attention_forward") >= 3 && TensorCoreAttention.fits(hs, context)) {
      return TensorCoreAttention.forward(op, context);
    }
    if (context.version("attention_forward") == 1 || hs > WIDEST) {
      return List.of(
          Launch.of(
              FILE,
              "attention_forward_v1",
              Grid.covering((long) batch * heads * t, PLAIN_THREADS),
              PLAIN_THREADS,
              context.at(op.out()),
              context.at(op.logSumExp()),
              context.at(op.qkv()),
              i32(batch),
              i32(t),
              i32(heads),
              i32(hs)));
    }
    int room = room(hs);
    int tile = tile(room, context);
    return List.of(
        new Launch(
            FILE,
            "attention_forward_" + room + "_v2",
            Grid.of(Math.ceilDiv(t, tile), (long) batch * heads),
            THREADS,
            rowBytes(2 * tile, room) + squareBytes(tile),
            List.of(
                context.at(op.out()),
                context.at(op.logSumExp()),
                context.at(op.qkv()),
                i32(t),
                i32(heads),
                i32(hs))));
  }

  static List<Command> backward(Op.AttentionBackward op, OpContext context) {
    return LibraryAttention.backward(op, context, there -> ownBackward(op, there))
        .orElseGet(() -> ownBackward(op, context));
  }

  private static List<Command> ownBackward(Op.AttentionBackward op, OpContext context) {
    int batch = op.out().shape().dim(0);
    int t = op.out().shape().dim(1);
    int heads = op.heads();
    int hs = op.out().shape().dim(2) / heads;
    if (context.version("attention_backward") >= 3 && TensorCoreAttention.fits(hs, context)) {
      return TensorCoreAttention.backward(op, context);
    }
    int version = hs > WIDEST ? 1 : Math.min(2, context.version("attention_backward"));
    long queries = (long) batch * heads * t;
    List<Argument> sizes = List.of(i32(batch), i32(t), i32(heads), i32(hs));
    List<Command> commands = new ArrayList<>();
    int threads = version == 1 ? PLAIN_THREADS : THREADS;
    commands.add(
        Launch.of(
            FILE,
            "attention_delta_v" + version,
            Grid.covering(version == 1 ? queries : queries * context.warp(), threads),
            threads,
            context.at(op.delta()),
            context.at(op.dOut()),
            context.at(op.out()),
            sizes.get(0),
            sizes.get(1),
            sizes.get(2),
            sizes.get(3)));
    List<Argument> arguments =
        new ArrayList<>(
            List.of(
                context.at(op.dQkv()),
                context.at(op.delta()),
                context.at(op.dOut()),
                context.at(op.qkv()),
                context.at(op.logSumExp())));
    if (version == 1) {
      arguments.addAll(sizes);
      for (String kernel : List.of("attention_backward_query_v1", "attention_backward_key_v1")) {
        Grid grid = Grid.covering(queries, PLAIN_THREADS);
        commands.add(new Launch(FILE, kernel, grid, PLAIN_THREADS, 0, arguments));
      }
      return commands;
    }
    arguments.addAll(sizes.subList(1, sizes.size()));
    int room = room(hs);
    int tile = tile(room, context) / 2;
    Grid grid = Grid.of(Math.ceilDiv(t, tile), (long) batch * heads);
    int rows = rowBytes(4 * tile, room);
    int square = squareBytes(tile);
    commands.add(
        new Launch(
            FILE,
            "attention_backward_key_" + room + "_v2",
            grid,
            THREADS,
            rows + 2 * square,
            arguments));
    commands.add(
        new Launch(
            FILE,
            "attention_backward_query_" + room + "_v2",
            grid,
            THREADS,
            rows + square,
            arguments));
    return commands;
  }

  static List<Command> cached(Op.CachedAttention op, OpContext context) {
    int batch = op.out().shape().dim(0);
    int t = op.out().shape().dim(1);
    int c = op.out().shape().dim(2);
    int heads = op.heads();
    int room = op.keyCache().shape().dim(1);
    long scores = 4L * room;
    boolean plain =
        context.version("cached_attention") == 1
            || scores > context.hardware().sharedOptInBytes() - 1024;
    Argument keys = context.at(op.keyCache());
    Argument values = context.at(op.valueCache());
    Argument qkv = context.at(op.qkv());
    Argument position = context.at(op.position());
    Argument hs = i32(c / heads);
    long queries = (long) batch * t * heads;
    Launch append =
        Launch.of(
            CACHED_FILE,
            "cache_append_v1",
            Grid.covering((long) batch * t * c, THREADS),
            THREADS,
            keys,
            values,
            qkv,
            position,
            i32(batch),
            i32(t),
            i32(room),
            i32(c));
    Launch attend =
        plain
            ? Launch.of(
                CACHED_FILE,
                "cached_attention_v1",
                Grid.covering(queries, PLAIN_THREADS),
                PLAIN_THREADS,
                context.at(op.out()),
                keys,
                values,
                qkv,
                position,
                i32(batch),
                i32(t),
                i32(room),
                i32(heads),
                hs)
            : new Launch(
                CACHED_FILE,
                "cached_attention_v2",
                Grid.of(queries),
                PLAIN_THREADS,
                (int) scores,
                List.of(
                    context.at(op.out()),
                    keys,
                    values,
                    qkv,
                    position,
                    i32(t),
                    i32(room),
                    i32(heads),
                    hs));
    return List.of(append, attend);
  }
}
