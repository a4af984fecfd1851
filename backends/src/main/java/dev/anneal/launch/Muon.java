package dev.anneal.launch;

import static dev.anneal.launch.Argument.f32;
import static dev.anneal.launch.Argument.i32;
import static dev.anneal.launch.Argument.i64;
import static dev.anneal.launch.Place.activations;
import static dev.anneal.launch.Place.data;

import dev.anneal.plan.DType;
import dev.anneal.plan.MuonOp;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;

/** What Muon does to a matrix besides products: muon.cu, muon.cl. */
final class Muon {
  private static final KernelFile CUDA = KernelFile.of("muon.cu");
  private static final KernelFile OPENCL = KernelFile.of("muon");
  private static final int THREADS = 256;

  /** Rows and columns that a block exchanges in shared memory. */
  private static final int TILE = 32;

  static final Kernel<MuonOp.MuonMomentum> MOMENTUM =
      new Kernel<>(
          "muon_momentum",
          MuonOp.MuonMomentum.class,
          List.of(
              Version.of(Ideas.PLAIN, (op, context) -> momentum(1, op)),
              Version.of(Ideas.PACKS, (op, context) -> momentum(2, op))),
          List.of(Version.of(Ideas.PER_ELEMENT, Muon::momentum)));

  static final Kernel<MuonOp.Normalize> NORMALIZE =
      new Kernel<>(
          "normalize",
          MuonOp.Normalize.class,
          List.of(
              Version.of(Ideas.PLAIN, (op, context) -> normalize(false, op)),
              Version.where(
                  Ideas.TRANSPOSED,
                  (op, context) -> op.transposed(),
                  (op, context) -> normalize(true, op))),
          List.of(Version.of(Ideas.PER_ELEMENT, Muon::normalize)));

  static final Kernel<MuonOp.WeightedSum> WEIGHTED_SUM =
      new Kernel<>(
          "weighted_sum",
          MuonOp.WeightedSum.class,
          List.of(
              Version.numbered(1, Ideas.PLAIN, Muon::weightedSum),
              Version.numbered(2, Ideas.PACKS, Muon::weightedSum)),
          List.of(Version.of(Ideas.PER_ELEMENT, Muon::weightedSum)));

  static final Kernel<MuonOp.MuonUpdate> UPDATE =
      new Kernel<>(
          "muon_update",
          MuonOp.MuonUpdate.class,
          List.of(
              Version.of(Ideas.PLAIN, (op, context) -> update(false, op)),
              Version.where(
                  Ideas.TRANSPOSED,
                  (op, context) -> op.transposed() && op.parameter().dtype() == DType.F32,
                  (op, context) -> update(true, op))),
          List.of(Version.of(Ideas.PER_ELEMENT, Muon::update)));

  private Muon() {}

  private static List<Command> momentum(int version, MuonOp.MuonMomentum op) {
    long n = op.direction().elements();
    return List.of(
        Launch.of(
            CUDA,
            "muon_momentum_v" + version,
            Elementwise.grid(version, n, CudaContext.FLOATS),
            data(op.direction()),
            data(op.momentum()),
            data(op.gradient()),
            data(op.norm()),
            f32(op.beta()),
            f32(op.maxNorm()),
            i64(n)));
  }

  private static List<Command> weightedSum(
      int version, MuonOp.WeightedSum op, CudaContext context) {
    long n = op.out().elements();
    return List.of(
        Launch.of(
            CUDA,
            "weighted_sum_v" + version,
            Elementwise.grid(version, n, context.pack()),
            data(op.out()),
            data(op.a()),
            f32(op.alpha()),
            data(op.b()),
            f32(op.beta()),
            i64(n)));
  }

  private static List<Command> normalize(boolean tiled, MuonOp.Normalize op) {
    List<Argument> arguments =
        List.of(data(op.out()), data(op.in()), data(op.length()), f32(op.epsilon()));
    return overMatrix("normalize", op.out(), op.transposed(), tiled, arguments, List.of());
  }

  private static List<Command> update(boolean tiled, MuonOp.MuonUpdate op) {
    List<Argument> arguments =
        List.of(
            data(op.parameter()),
            data(op.direction()),
            data(op.norm()),
            data(op.schedule()),
            f32(op.rate()),
            f32(op.scale()),
            f32(op.weightDecay()));
    if (op.parameter().dtype() == DType.F32) {
      return overMatrix(
          "muon_update", op.parameter(), op.transposed(), tiled, arguments, List.of());
    }
    Op.AdamW.Rounding how = op.rounding().orElseThrow();
    return overMatrix(
        "muon_update_rounded",
        op.parameter(),
        op.transposed(),
        false,
        arguments,
        List.of(data(how.random()), i32(how.stream())));
  }

  /** A thread per element of {@code matrix} in version 1, or a block per tile in version 2. */
  private static List<Command> overMatrix(
      String kernel,
      Tensor matrix,
      boolean transposed,
      boolean tiled,
      List<Argument> first,
      List<Argument> last) {
    int rows = matrix.shape().dim(0);
    int columns = matrix.shape().dim(1);
    List<Argument> arguments = new ArrayList<>(first);
    arguments.add(i64(rows));
    arguments.add(i64(columns));
    if (!tiled) {
      arguments.add(i32(transposed));
    }
    arguments.addAll(last);
    Grid grid =
        tiled
            ? Grid.of(Math.ceilDiv(columns, TILE), Math.ceilDiv(rows, TILE)).inBlocksOf(THREADS)
            : Grid.covering(matrix.elements(), THREADS);
    return List.of(Launch.of(CUDA, kernel + (tiled ? "_v2" : "_v1"), grid, arguments));
  }

  private static List<Command> momentum(MuonOp.MuonMomentum op, OpenClContext context) {
    return items(
        "muon_momentum_v1",
        op.direction(),
        context,
        data(op.direction()),
        data(op.momentum()),
        data(op.gradient()),
        data(op.norm()),
        f32(op.beta()),
        f32(op.maxNorm()),
        i64(op.direction().elements()));
  }

  private static List<Command> normalize(MuonOp.Normalize op, OpenClContext context) {
    return items(
        "normalize_v1",
        op.out(),
        context,
        activations(op.out()),
        data(op.in()),
        data(op.length()),
        f32(op.epsilon()),
        i64(op.out().shape().dim(0)),
        i64(op.out().shape().dim(1)),
        i32(op.transposed()));
  }

  private static List<Command> weightedSum(MuonOp.WeightedSum op, OpenClContext context) {
    return items(
        "weighted_sum_v1",
        op.out(),
        context,
        activations(op.out()),
        activations(op.a()),
        f32(op.alpha()),
        activations(op.b()),
        f32(op.beta()),
        i64(op.out().elements()));
  }

  private static List<Command> update(MuonOp.MuonUpdate op, OpenClContext context) {
    return items(
        "muon_update_v1",
        op.parameter(),
        context,
        data(op.parameter()),
        activations(op.direction()),
        data(op.norm()),
        data(op.schedule()),
        f32(op.rate()),
        f32(op.scale()),
        f32(op.weightDecay()),
        i64(op.parameter().shape().dim(0)),
        i64(op.parameter().shape().dim(1)),
        i32(op.transposed()));
  }

  private static List<Command> items(
      String kernel, Tensor each, OpenClContext context, Argument... arguments) {
    return List.of(Launch.of(OPENCL, kernel, context.items(each.elements()), arguments));
  }
}
