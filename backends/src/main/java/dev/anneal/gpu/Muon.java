package dev.anneal.gpu;

import static dev.anneal.gpu.Argument.f32;
import static dev.anneal.gpu.Argument.i32;
import static dev.anneal.gpu.Argument.i64;

import dev.anneal.gpu.Command.Grid;
import dev.anneal.gpu.Command.Launch;
import dev.anneal.plan.DType;
import dev.anneal.plan.MuonOp;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;

/** What Muon does to a matrix besides products: muon.cu. */
final class Muon {
  private static final String FILE = "muon.cu";
  private static final int THREADS = 256;

  /** Rows and columns that a block exchanges in shared memory. */
  private static final int TILE = 32;

  private Muon() {}

  static List<Command> commands(MuonOp op, OpContext context) {
    return List.of(
        switch (op) {
          case MuonOp.MuonMomentum o -> momentum(o, context);
          case MuonOp.Normalize o -> normalize(o, context);
          case MuonOp.WeightedSum o -> weightedSum(o, context);
          case MuonOp.MuonUpdate o -> update(o, context);
        });
  }

  private static Launch momentum(MuonOp.MuonMomentum op, OpContext context) {
    long n = op.direction().elements();
    int version = context.version("muon_momentum");
    return Launch.of(
        FILE,
        "muon_momentum_v" + version,
        Grid.covering(version == 1 ? n : Math.ceilDiv(n, OpContext.FLOATS), THREADS),
        THREADS,
        context.at(op.direction()),
        context.at(op.momentum()),
        context.at(op.gradient()),
        context.at(op.norm()),
        f32(op.beta()),
        f32(op.maxNorm()),
        i64(n));
  }

  private static Launch weightedSum(MuonOp.WeightedSum op, OpContext context) {
    long n = op.out().elements();
    int version = context.version("weighted_sum");
    return Launch.of(
        FILE,
        "weighted_sum_v" + version,
        Grid.covering(version == 1 ? n : Math.ceilDiv(n, context.pack()), THREADS),
        THREADS,
        context.at(op.out()),
        context.at(op.a()),
        f32(op.alpha()),
        context.at(op.b()),
        f32(op.beta()),
        i64(n));
  }

  private static Launch normalize(MuonOp.Normalize op, OpContext context) {
    List<Argument> arguments =
        List.of(
            context.at(op.out()), context.at(op.in()), context.at(op.length()), f32(op.epsilon()));
    boolean tiled = op.transposed() && context.version("normalize") == 2;
    return overMatrix("normalize", op.out(), op.transposed(), tiled, arguments, List.of());
  }

  private static Launch update(MuonOp.MuonUpdate op, OpContext context) {
    List<Argument> arguments =
        List.of(
            context.at(op.parameter()),
            context.at(op.direction()),
            context.at(op.norm()),
            context.at(op.schedule()),
            f32(op.rate()),
            f32(op.scale()),
            f32(op.weightDecay()));
    if (op.parameter().dtype() != DType.F32) {
      Op.AdamW.Rounding how = op.rounding().orElseThrow();
      return overMatrix(
          "muon_update_rounded",
          op.parameter(),
          op.transposed(),
          false,
          arguments,
          List.of(context.at(how.random()), i32(how.stream())));
    }
    boolean tiled = op.transposed() && context.version("muon_update") == 2;
    return overMatrix("muon_update", op.parameter(), op.transposed(), tiled, arguments, List.of());
  }

  /** A thread per element of {@code matrix} in version 1, or a block per tile in version 2. */
  private static Launch overMatrix(
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
      arguments.add(i32(transposed ? 1 : 0));
    }
    arguments.addAll(last);
    Grid grid =
        tiled
            ? new Grid(Math.ceilDiv(columns, TILE), Math.ceilDiv(rows, TILE), 1)
            : Grid.covering(matrix.elements(), THREADS);
    return new Launch(FILE, kernel + (tiled ? "_v2" : "_v1"), grid, THREADS, 0, arguments);
  }
}
