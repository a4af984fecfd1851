package dev.anneal.launch;

import static dev.anneal.launch.Argument.f32;
import static dev.anneal.launch.Argument.i64;
import static dev.anneal.launch.Place.activations;
import static dev.anneal.launch.Place.data;

import dev.anneal.device.Suits.Feature;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.List;

/**
 * Sums, copies in another format, and constants: residual.cu, cast.cu, fill.cu and mean.cu;
 * elementwise.cl and sum.cl.
 */
final class Elementwise {
  private static final int THREADS = 256;
  private static final int MEAN_THREADS = 1024;
  private static final KernelFile FILL = KernelFile.of("fill.cu");
  private static final KernelFile OPENCL = KernelFile.of("elementwise");
  private static final KernelFile SUM = KernelFile.of("sum");

  /** Elements per work-item of OpenCL's versions for CPUs. */
  static final int VECTOR = 16;

  static final Kernel<Op.Add> ADD =
      new Kernel<>(
          "add",
          Op.Add.class,
          List.of(
              Version.numbered(1, Ideas.PLAIN, Elementwise::add),
              Version.numbered(2, Ideas.PACKS, Elementwise::add)),
          List.of(Version.of(Ideas.PER_ELEMENT, Elementwise::add)));

  static final Kernel<Op.Cast> CAST =
      new Kernel<>(
          "cast",
          Op.Cast.class,
          List.of(
              Version.numbered(1, Ideas.PLAIN, Elementwise::cast),
              Version.numbered(2, Ideas.PACKS, Elementwise::cast)),
          List.of(Version.of(Ideas.PER_ELEMENT, Elementwise::cast)));

  static final Kernel<Op.Fill> CONSTANT =
      new Kernel<>(
          "fill",
          Op.Fill.class,
          List.of(Version.of(Ideas.PLAIN, Elementwise::fill)),
          List.of(
              Version.of(
                  Ideas.PER_ELEMENT,
                  (op, context) -> List.of(filling(op.out(), op.value(), context)))));

  static final Kernel<Op.MeanForward> MEAN =
      new Kernel<>(
          "mean_forward",
          Op.MeanForward.class,
          List.of(Version.of("one block", Elementwise::mean)),
          List.of(
              Version.numbered(1, "one work-item, number after number", Elementwise::mean),
              Version.numbered(
                  2,
                  "for GPUs: one work-group, sums as a tree in local memory",
                  Ideas.GPUS,
                  Elementwise::mean),
              Version.numbered(3, Ideas.EXCHANGES, Ideas.SUB_GROUPS, Elementwise::mean)));

  static final Kernel<Op.MeanBackward> MEAN_BACKWARD =
      new Kernel<>(
          "mean_backward",
          Op.MeanBackward.class,
          List.of(Version.of(Ideas.PLAIN, Elementwise::meanBackward)),
          List.of(Version.of(Ideas.PER_ELEMENT, Elementwise::meanBackward)));

  private Elementwise() {}

  /** A thread per element in version 1, per pack in version 2. */
  static Grid grid(int version, long n, int pack) {
    return Grid.covering(version == 1 ? n : Math.ceilDiv(n, pack), THREADS);
  }

  private static List<Command> add(int version, Op.Add op, CudaContext context) {
    long n = op.out().elements();
    return List.of(
        Launch.of(
            KernelFile.of("residual.cu"),
            "add_v" + version,
            grid(version, n, context.pack()),
            data(op.out()),
            data(op.a()),
            data(op.b()),
            i64(n)));
  }

  private static List<Command> cast(int version, Op.Cast op, CudaContext context) {
    long n = op.out().elements();
    return List.of(
        Launch.of(
            KernelFile.of("cast.cu"),
            "cast_v" + version,
            grid(version, n, context.pack()),
            data(op.out()),
            data(op.in()),
            i64(n)));
  }

  private static List<Command> fill(Op.Fill op, CudaContext context) {
    long n = op.out().elements();
    return List.of(
        Launch.of(FILL, "fill_float_v1", grid(1, n, 1), data(op.out()), f32(op.value()), i64(n)));
  }

  private static List<Command> meanBackward(Op.MeanBackward op, CudaContext context) {
    long n = op.dIn().elements();
    return List.of(
        Launch.of(
            FILL, "mean_backward_v1", grid(1, n, 1), data(op.dIn()), data(op.dOut()), i64(n)));
  }

  private static List<Command> mean(Op.MeanForward op, CudaContext context) {
    return List.of(
        Launch.of(
            KernelFile.of("mean.cu"),
            "mean_forward_v1",
            Grid.of(1),
            MEAN_THREADS,
            data(op.out()),
            data(op.in()),
            i64(op.in().elements())));
  }

  /** In OpenCL, one work-item per element in version 1, per vector in the later ones. */
  static Grid items(long elements, int version, OpenClContext context) {
    return context.items(version == 1 ? elements : Math.ceilDiv(elements, VECTOR));
  }

  private static List<Command> add(Op.Add op, OpenClContext context) {
    long n = op.out().elements();
    return List.of(
        Launch.of(
            OPENCL,
            "add_v1",
            context.items(n),
            activations(op.out()),
            activations(op.a()),
            activations(op.b()),
            i64(n)));
  }

  private static List<Command> cast(Op.Cast op, OpenClContext context) {
    long n = op.out().elements();
    return List.of(
        Launch.of(
            OPENCL, "cast_v1", context.items(n), activations(op.out()), data(op.in()), i64(n)));
  }

  /** The launch that sets every element of {@code out} to {@code value}. */
  static Launch filling(Tensor out, float value, OpenClContext context) {
    long n = out.elements();
    return Launch.of(OPENCL, "fill_v1", context.items(n), data(out), f32(value), i64(n));
  }

  private static List<Command> meanBackward(Op.MeanBackward op, OpenClContext context) {
    long n = op.dIn().elements();
    return List.of(
        Launch.of(
            OPENCL, "mean_backward_v1", context.items(n), data(op.dIn()), data(op.dOut()), i64(n)));
  }

  private static List<Command> mean(int version, Op.MeanForward op, OpenClContext context) {
    return List.of(
        Launch.of(
            version == 3 ? SUM.needing(Feature.SUB_GROUPS) : SUM,
            "mean_forward_v" + version,
            version == 1 ? Grid.of(1) : Grid.groups(1, 1, OpenClMachine.GROUP, 1),
            data(op.out()),
            data(op.in()),
            i64(op.in().elements())));
  }
}
