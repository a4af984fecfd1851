package dev.anneal.launch;

import static dev.anneal.launch.Argument.i32;
import static dev.anneal.launch.Place.data;

import dev.anneal.launch.Attention.Sizes;
import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;

/** Causal self-attention without tensor cores: attention.cu. */
final class CudaAttention {
  private static final KernelFile FILE = KernelFile.of("attention.cu");
  private static final int PLAIN_THREADS = 128;
  private static final int THREADS = 256;
  private static final int NARROW = 64;
  private static final int WIDEST = 128;

  /** Shared memory for tiles of 64 rows of the widest. */
  private static final int WIDE_BYTES = 83 << 10;

  private CudaAttention() {}

  /** The channels that a tile has room for. */
  private static int room(Sizes s) {
    return s.headSize() <= NARROW ? NARROW : WIDEST;
  }

  /** TILE_ROWS of attention.cu: rows in a tile of the forward pass; the backward one has half. */
  private static int tile(int room, CudaContext context) {
    return room > NARROW && context.hardware().sharedOptInBytes() < WIDE_BYTES ? 32 : 64;
  }

  /** Bytes of {@code rows} rows in shared memory. */
  private static int rowBytes(int rows, int room) {
    return 4 * rows * (room + 4);
  }

  private static int squareBytes(int tile) {
    return 4 * tile * (tile + 1);
  }

  static List<Command> plainForward(Op.AttentionForward op, CudaContext context) {
    Sizes s = Sizes.of(op);
    return List.of(
        Launch.of(
            FILE,
            "attention_forward_v1",
            Grid.covering(s.queries(), PLAIN_THREADS),
            data(op.out()),
            data(op.logSumExp()),
            data(op.qkv()),
            i32(s.batch()),
            i32(s.t()),
            i32(s.heads()),
            i32(s.headSize())));
  }

  static List<Command> forward(Op.AttentionForward op, CudaContext context) {
    Sizes s = Sizes.of(op);
    int room = room(s);
    int tile = tile(room, context);
    return List.of(
        Launch.of(
                FILE,
                "attention_forward_" + room + "_v2",
                Grid.of(Math.ceilDiv(s.t(), tile), s.allHeads()),
                THREADS,
                data(op.out()),
                data(op.logSumExp()),
                data(op.qkv()),
                i32(s.t()),
                i32(s.heads()),
                i32(s.headSize()))
            .sharing(rowBytes(2 * tile, room) + squareBytes(tile)));
  }

  private static Launch delta(
      int version, int threadsPerQuery, int threads, Op.AttentionBackward op) {
    Sizes s = Sizes.of(op);
    return Launch.of(
        FILE,
        "attention_delta_v" + version,
        Grid.covering(s.queries() * threadsPerQuery, threads),
        data(op.delta()),
        data(op.dOut()),
        data(op.out()),
        i32(s.batch()),
        i32(s.t()),
        i32(s.heads()),
        i32(s.headSize()));
  }

  private static List<Argument> arguments(Op.AttentionBackward op, Argument... sizes) {
    List<Argument> arguments =
        new ArrayList<>(
            List.of(
                data(op.dQkv()),
                data(op.delta()),
                data(op.dOut()),
                data(op.qkv()),
                data(op.logSumExp())));
    arguments.addAll(List.of(sizes));
    return arguments;
  }

  static List<Command> plainBackward(Op.AttentionBackward op, CudaContext context) {
    Sizes s = Sizes.of(op);
    Grid grid = Grid.covering(s.queries(), PLAIN_THREADS);
    List<Argument> arguments =
        arguments(op, i32(s.batch()), i32(s.t()), i32(s.heads()), i32(s.headSize()));
    return List.of(
        delta(1, 1, PLAIN_THREADS, op),
        Launch.of(FILE, "attention_backward_query_v1", grid, arguments),
        Launch.of(FILE, "attention_backward_key_v1", grid, arguments));
  }

  static List<Command> backward(Op.AttentionBackward op, CudaContext context) {
    Sizes s = Sizes.of(op);
    List<Argument> arguments = arguments(op, i32(s.t()), i32(s.heads()), i32(s.headSize()));
    int room = room(s);
    int tile = tile(room, context) / 2;
    Grid grid = Grid.of(Math.ceilDiv(s.t(), tile), s.allHeads()).inBlocksOf(THREADS);
    int rows = rowBytes(4 * tile, room);
    int square = squareBytes(tile);
    return List.of(
        delta(2, context.warp(), THREADS, op),
        Launch.of(FILE, "attention_backward_key_" + room + "_v2", grid, arguments)
            .sharing(rows + 2 * square),
        Launch.of(FILE, "attention_backward_query_" + room + "_v2", grid, arguments)
            .sharing(rows + square));
  }
}
