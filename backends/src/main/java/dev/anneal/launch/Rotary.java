package dev.anneal.launch;

import static dev.anneal.launch.Argument.i32;
import static dev.anneal.launch.Place.activations;
import static dev.anneal.launch.Place.data;

import dev.anneal.device.Suits;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Optional;

/** Rotary positions of queries and keys, for grouped heads: rotary.cu, rotary.cl. */
final class Rotary {
  private static final KernelFile CUDA = KernelFile.of("rotary.cu");
  private static final KernelFile OPENCL = KernelFile.of("rotary");
  private static final int THREADS = 256;
  private static final String PER_PAIR = "one work-item per pair of channels";
  private static final String PLAIN = "plain: one thread per pair of channels";

  static final Kernel<Op.RotaryForward> FORWARD =
      new Kernel<>(
          "rotary_forward",
          Op.RotaryForward.class,
          List.of(
              Version.of(PLAIN, (op, context) -> forward(1, 1, op)),
              Version.possibly(
                  Ideas.PACKS,
                  Suits.ALL,
                  (op, context) ->
                      isOfPacks(op, context)
                          ? Optional.of(forward(2, context.pack(), op))
                          : Optional.empty())),
          List.of(Version.of(PER_PAIR, Rotary::forward)));

  static final Kernel<Op.RotaryBackward> BACKWARD =
      new Kernel<>(
          "rotary_backward",
          Op.RotaryBackward.class,
          List.of(
              Version.of(PLAIN, (op, context) -> backward(1, 1, op)),
              Version.possibly(
                  Ideas.PACKS,
                  Suits.ALL,
                  (op, context) ->
                      isOfPacks(op, context)
                          ? Optional.of(backward(2, context.pack(), op))
                          : Optional.empty())),
          List.of(Version.of(PER_PAIR, Rotary::backward)));

  private Rotary() {}

  private static int half(Op.Grouped op) {
    return op.headSize() / 2;
  }

  private static boolean isOfPacks(Op.Grouped op, CudaContext context) {
    return half(op) % context.pack() == 0;
  }

  private static int rows(Tensor written) {
    return Math.toIntExact(written.shape().rows());
  }

  /** Pairs of channels of a row. */
  private static int pairs(Tensor written) {
    return written.shape().dim(-1) / 2;
  }

  /** A row in blocks of its own, a thread per so many pairs. */
  private static Grid grid(Tensor written, int each) {
    return Grid.of(rows(written), Math.ceilDiv(pairs(written) / each, THREADS)).inBlocksOf(THREADS);
  }

  private static List<Command> forward(int version, int each, Op.RotaryForward op) {
    return List.of(
        Launch.of(
            CUDA,
            "rotary_forward_v" + version,
            grid(op.out(), each),
            data(op.out()),
            data(op.in()),
            data(op.table()),
            data(op.start()),
            i32(op.in().shape().dim(1)),
            i32(op.heads()),
            i32(op.kvHeads()),
            i32(half(op))));
  }

  private static List<Command> backward(int version, int each, Op.RotaryBackward op) {
    return List.of(
        Launch.of(
            CUDA,
            "rotary_backward_v" + version,
            grid(op.dIn(), each),
            data(op.dIn()),
            data(op.dOut()),
            data(op.table()),
            i32(op.dIn().shape().dim(1)),
            i32(op.heads()),
            i32(op.kvHeads()),
            i32(half(op))));
  }

  private static List<Command> forward(Op.RotaryForward op, OpenClContext context) {
    return List.of(
        Launch.of(
            OPENCL,
            "rotary_forward_v1",
            context.items(pairs(op.out()), rows(op.out())),
            activations(op.out()),
            activations(op.in()),
            data(op.table()),
            data(op.start().orElse(op.table())),
            i32(op.start().isPresent()),
            i32(op.in().shape().dim(1)),
            i32(op.heads()),
            i32(op.kvHeads()),
            i32(half(op))));
  }

  private static List<Command> backward(Op.RotaryBackward op, OpenClContext context) {
    return List.of(
        Launch.of(
            OPENCL,
            "rotary_backward_v1",
            context.items(pairs(op.dIn()), rows(op.dIn())),
            activations(op.dIn()),
            activations(op.dOut()),
            data(op.table()),
            i32(op.dIn().shape().dim(1)),
            i32(op.heads()),
            i32(op.kvHeads()),
            i32(half(op))));
  }
}
