package dev.anneal.launch;

import static dev.anneal.launch.Argument.i64;
import static dev.anneal.launch.Place.activations;
import static dev.anneal.launch.Place.data;

import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** GELU and its gradient: gelu.cu, gelu.cl. */
final class Gelu {
  private static final KernelFile CUDA = KernelFile.of("gelu.cu");
  private static final KernelFile OPENCL = KernelFile.of("gelu");
  private static final int THREADS = 256;

  private static final Version<Op.GeluForward, CudaContext> FORWARD_PACKS =
      Version.of(Ideas.PACKS, (op, context) -> forward(2, op, context, Place.NONE));

  private static final Version<Op.GeluBackward, CudaContext> BACKWARD_PACKS =
      Version.of(Ideas.PACKS, (op, context) -> backward(2, op, context, Place.NONE));

  static final Kernel<Op.GeluForward> FORWARD =
      new Kernel<>(
          "gelu_forward",
          Op.GeluForward.class,
          List.of(
              Version.of(Ideas.PLAIN, (op, context) -> forward(1, op, context, Place.NONE)),
              FORWARD_PACKS),
          List.of(
              Version.numbered(1, Ideas.PER_ELEMENT, Gelu::forward),
              Version.numbered(2, Ideas.VECTORS, Ideas.CPUS, Gelu::forward)));

  static final Kernel<Op.GeluBackward> BACKWARD =
      new Kernel<>(
          "gelu_backward",
          Op.GeluBackward.class,
          List.of(
              Version.of(Ideas.PLAIN, (op, context) -> backward(1, op, context, Place.NONE)),
              BACKWARD_PACKS),
          List.of(
              Version.numbered(1, Ideas.PER_ELEMENT, Gelu::backward),
              Version.numbered(2, Ideas.VECTORS, Ideas.CPUS, Gelu::backward)));

  private Gelu() {}

  /**
   * How many largest sizes a GELU finds: one per block; nothing where it finds none, which is in
   * the plain version.
   */
  static OptionalLong largest(Op.GeluForward op, CudaContext context) {
    return blocks(op.out().elements(), context.reaches(FORWARD, FORWARD_PACKS), context);
  }

  static OptionalLong largest(Op.GeluBackward op, CudaContext context) {
    return blocks(op.dIn().elements(), context.reaches(BACKWARD, BACKWARD_PACKS), context);
  }

  private static OptionalLong blocks(long n, boolean packs, CudaContext context) {
    return packs
        ? OptionalLong.of(Math.ceilDiv(n, (long) THREADS * context.pack()))
        : OptionalLong.empty();
  }

  /** In packs, with the largest size of what every block writes. */
  static List<Command> forward(Op.GeluForward op, CudaContext context, Place largest) {
    return forward(2, op, context, largest);
  }

  private static List<Command> forward(
      int version, Op.GeluForward op, CudaContext context, Place largest) {
    List<Argument> tensors = List.of(data(op.out()), data(op.in()));
    long n = op.out().elements();
    return launch("gelu_forward_v", version, n, context, tensors, largest);
  }

  /** In packs, with the largest size of what every block writes. */
  static List<Command> backward(Op.GeluBackward op, CudaContext context, Place largest) {
    return backward(2, op, context, largest);
  }

  private static List<Command> backward(
      int version, Op.GeluBackward op, CudaContext context, Place largest) {
    List<Argument> tensors = List.of(data(op.dIn()), data(op.dOut()), data(op.in()));
    long n = op.dIn().elements();
    return launch("gelu_backward_v", version, n, context, tensors, largest);
  }

  private static List<Command> launch(
      String kernel,
      int version,
      long n,
      CudaContext context,
      List<Argument> tensors,
      Place largest) {
    List<Argument> arguments = new ArrayList<>(tensors);
    arguments.add(i64(n));
    if (version == 2) {
      arguments.add(largest);
    }
    Grid grid = Elementwise.grid(version, n, context.pack());
    return List.of(Launch.of(CUDA, kernel + version, grid, arguments));
  }

  private static List<Command> forward(int version, Op.GeluForward op, OpenClContext context) {
    long n = op.out().elements();
    return List.of(
        Launch.of(
            OPENCL,
            "gelu_forward_v" + version,
            Elementwise.items(n, version, context),
            activations(op.out()),
            activations(op.in()),
            i64(n)));
  }

  private static List<Command> backward(int version, Op.GeluBackward op, OpenClContext context) {
    long n = op.dIn().elements();
    return List.of(
        Launch.of(
            OPENCL,
            "gelu_backward_v" + version,
            Elementwise.items(n, version, context),
            activations(op.dIn()),
            activations(op.dOut()),
            activations(op.in()),
            i64(n)));
  }
}
