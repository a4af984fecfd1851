package dev.anneal.launch;

import static dev.anneal.launch.Argument.f32;
import static dev.anneal.launch.Argument.i32;
import static dev.anneal.launch.Argument.i64;
import static dev.anneal.launch.Place.data;

import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** AdamW's updates: adamw.cu and adamw_rounded.cu, optimizer.cl. */
final class AdamW {
  private static final KernelFile OPENCL = KernelFile.of("optimizer");
  private static final int THREADS = 256;

  /** Also of the copies of parameters that follow at once. */
  static final Version<Op.AdamW, CudaContext> ALL_PARAMETERS =
      Version.of(
          "one launch for all parameters", (op, context) -> all(List.of(op), Map.of(), context));

  static final Kernel<Op.AdamW> KERNEL =
      new Kernel<>(
          "adamw",
          Op.AdamW.class,
          List.of(
              Version.of(Ideas.PLAIN, (op, context) -> one(1, op)),
              Version.of(Ideas.PACKS, (op, context) -> one(2, op)),
              ALL_PARAMETERS),
          List.of(
              Version.numbered(1, Ideas.PER_ELEMENT, AdamW::one),
              Version.numbered(2, Ideas.VECTORS, Ideas.CPUS, AdamW::one)));

  private AdamW() {}

  /** Whether one launch can do both: they differ in their tensors and weight decay alone. */
  static boolean together(Op.AdamW a, Op.AdamW b) {
    return a.parameter().dtype() == b.parameter().dtype()
        && a.rounding()
            .map(Op.AdamW.Rounding::random)
            .equals(b.rounding().map(Op.AdamW.Rounding::random))
        && a.norm().equals(b.norm())
        && a.schedule().equals(b.schedule())
        && a.beta1() == b.beta1()
        && a.beta2() == b.beta2()
        && a.epsilon() == b.epsilon()
        && a.maxNorm() == b.maxNorm();
  }

  private static List<Command> one(int version, Op.AdamW op) {
    long n = op.parameter().elements();
    List<Argument> arguments =
        new ArrayList<>(
            List.of(
                data(op.parameter()),
                data(op.m()),
                data(op.v()),
                data(op.gradient()),
                data(op.norm()),
                data(op.schedule())));
    Optional<Op.AdamW.Rounding> rounding = rounding(op);
    rounding.ifPresent(
        how -> {
          arguments.add(data(how.random()));
          arguments.add(i32(how.stream()));
        });
    arguments.addAll(
        List.of(
            i64(n),
            f32(op.beta1()),
            f32(op.beta2()),
            f32(op.epsilon()),
            f32(op.weightDecay()),
            f32(op.maxNorm())));
    String kernel = rounding.isPresent() ? "adamw_rounded" : "adamw";
    return List.of(
        Launch.of(
            KernelFile.of(kernel + ".cu"),
            kernel + "_v" + version,
            Elementwise.grid(version, n, CudaContext.FLOATS),
            arguments));
  }

  /** How the parameter is rounded, if it has 16 bits. */
  private static Optional<Op.AdamW.Rounding> rounding(Op.AdamW op) {
    return op.rounding().filter(how -> op.parameter().dtype() != DType.F32);
  }

  /**
   * All of them, which are {@link #together}, in one launch.
   *
   * @param copies of parameters, which the same launch makes
   */
  static List<Command> all(List<Op.AdamW> ops, Map<Tensor, Tensor> copies, CudaContext context) {
    // struct Parameter of adamw.cu or adamw_rounded.cu for each.
    List<Place.Word> words = new ArrayList<>();
    long block = 0;
    for (Op.AdamW op : ops) {
      long n = op.parameter().elements();
      for (Tensor tensor : List.of(op.parameter(), op.m(), op.v(), op.gradient())) {
        words.add(new Place.Address(data(tensor)));
      }
      Optional<Tensor> copy = Optional.ofNullable(copies.get(op.parameter()));
      words.add(
          rounding(op)
              .<Place.Word>map(how -> new Place.Number(how.stream()))
              .orElse(new Place.Address(data(copy))));
      words.add(new Place.Number(n));
      words.add(
          new Place.Number(
              (long) Float.floatToRawIntBits(op.weightDecay()) << 32 | Math.toIntExact(block)));
      block += Math.ceilDiv(n, (long) THREADS * CudaContext.FLOATS);
    }
    Op.AdamW first = ops.getFirst();
    List<Argument> arguments =
        new ArrayList<>(
            List.of(
                new Place.Table(words),
                i32(ops.size()),
                data(first.norm()),
                data(first.schedule())));
    Optional<Op.AdamW.Rounding> rounding = rounding(first);
    rounding.ifPresent(how -> arguments.add(data(how.random())));
    arguments.addAll(
        List.of(
            f32(first.beta1()), f32(first.beta2()), f32(first.epsilon()), f32(first.maxNorm())));
    String kernel = rounding.isPresent() ? "adamw_rounded" : "adamw";
    return List.of(
        Launch.of(
            KernelFile.of(kernel + ".cu"),
            kernel + "_v3",
            Grid.of(block).inBlocksOf(THREADS),
            arguments));
  }

  private static List<Command> one(int version, Op.AdamW op, OpenClContext context) {
    long n = op.parameter().elements();
    return List.of(
        Launch.of(
            OPENCL,
            "adamw_v" + version,
            Elementwise.items(n, version, context),
            data(op.parameter()),
            data(op.m()),
            data(op.v()),
            data(op.gradient()),
            data(op.norm()),
            data(op.schedule()),
            f32(op.beta1()),
            f32(op.beta2()),
            f32(op.epsilon()),
            f32(op.weightDecay()),
            f32(op.maxNorm()),
            i64(n)));
  }
}
