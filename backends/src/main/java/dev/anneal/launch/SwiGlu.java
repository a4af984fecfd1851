package dev.anneal.launch;

import static dev.anneal.launch.Argument.i32;
import static dev.anneal.launch.Place.activations;
import static dev.anneal.launch.Place.data;

import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.List;

/** SwiGLU's gate and its gradient: swiglu.cu, swiglu.cl. */
final class SwiGlu {
  private static final KernelFile CUDA = KernelFile.of("swiglu.cu");
  private static final KernelFile OPENCL = KernelFile.of("swiglu");
  private static final int THREADS = 256;
  private static final int ROW_THREADS = 128;

  static final Kernel<Op.SwiGluForward> FORWARD =
      new Kernel<>(
          "swiglu_forward",
          Op.SwiGluForward.class,
          List.of(
              Version.of(Ideas.PLAIN, (op, context) -> forward(1, op, context)),
              Version.of(Ideas.PACKS, (op, context) -> forward(2, op, context))),
          List.of(
              Version.of(Ideas.PER_ELEMENT, (op, context) -> forward(1, op, context)),
              Version.of(Ideas.VECTORS, Ideas.CPUS, (op, context) -> forward(2, op, context))));

  static final Kernel<Op.SwiGluBackward> BACKWARD =
      new Kernel<>(
          "swiglu_backward",
          Op.SwiGluBackward.class,
          List.of(
              Version.of(Ideas.PLAIN, (op, context) -> backward(1, op, context)),
              Version.of(Ideas.PACKS, (op, context) -> backward(2, op, context))),
          List.of(
              Version.of(Ideas.PER_ELEMENT, (op, context) -> backward(1, op, context)),
              Version.of(Ideas.VECTORS, Ideas.CPUS, (op, context) -> backward(2, op, context))));

  private SwiGlu() {}

  private static int rows(Tensor narrow) {
    return Math.toIntExact(narrow.shape().rows());
  }

  private static int channels(Tensor narrow) {
    return narrow.shape().dim(-1);
  }

  /** A thread per element in version 1; in version 2 a row's packs in blocks of their own. */
  private static Grid grid(int version, Tensor narrow, CudaContext context) {
    return version == 1
        ? Grid.covering(narrow.elements(), THREADS)
        : Grid.of(
                rows(narrow),
                Math.ceilDiv(Math.ceilDiv(channels(narrow), context.pack()), ROW_THREADS))
            .inBlocksOf(ROW_THREADS);
  }

  private static List<Command> forward(int version, Op.SwiGluForward op, CudaContext context) {
    return List.of(
        Launch.of(
            CUDA,
            "swiglu_forward_v" + version,
            grid(version, op.out(), context),
            data(op.out()),
            data(op.in()),
            i32(rows(op.out())),
            i32(channels(op.out()))));
  }

  private static List<Command> backward(int version, Op.SwiGluBackward op, CudaContext context) {
    return List.of(
        Launch.of(
            CUDA,
            "swiglu_backward_v" + version,
            grid(version, op.dOut(), context),
            data(op.dIn()),
            data(op.dOut()),
            data(op.in()),
            i32(rows(op.dOut())),
            i32(channels(op.dOut()))));
  }

  /** In OpenCL, one work-item per element in version 1, per vector of a row in version 2. */
  private static Grid items(int version, Tensor narrow, OpenClContext context) {
    int across = version == 1 ? 1 : Elementwise.VECTOR;
    return context.items(Math.ceilDiv(channels(narrow), across), rows(narrow));
  }

  private static List<Command> forward(int version, Op.SwiGluForward op, OpenClContext context) {
    return List.of(
        Launch.of(
            OPENCL,
            "swiglu_forward_v" + version,
            items(version, op.out(), context),
            activations(op.out()),
            activations(op.in()),
            i32(channels(op.out()))));
  }

  private static List<Command> backward(int version, Op.SwiGluBackward op, OpenClContext context) {
    return List.of(
        Launch.of(
            OPENCL,
            "swiglu_backward_v" + version,
            items(version, op.dOut(), context),
            activations(op.dIn()),
            activations(op.dOut()),
            activations(op.in()),
            i32(channels(op.dOut()))));
  }
}
