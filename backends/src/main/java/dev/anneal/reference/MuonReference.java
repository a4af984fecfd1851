package dev.anneal.reference;

import dev.anneal.plan.DType;
import dev.anneal.plan.MuonOp;
import dev.anneal.plan.Tensor;
import java.util.Arrays;
import java.util.function.Function;

/** What Muon does to a matrix besides products, in double precision. */
final class MuonReference {
  private MuonReference() {}

  static void run(MuonOp op, Function<Tensor, double[]> get) {
    switch (op) {
      case MuonOp.MuonMomentum o -> momentum(o, get);
      case MuonOp.Normalize o -> {
        double[] in = get.apply(o.in());
        double size = get.apply(o.length())[0] + o.epsilon();
        int columns = o.out().shape().dim(1);
        int rows = o.out().shape().dim(0);
        Arrays.setAll(get.apply(o.out()), i -> in[from(i, rows, columns, o.transposed())] / size);
      }
      case MuonOp.WeightedSum o -> {
        double[] a = get.apply(o.a());
        double[] b = get.apply(o.b());
        Arrays.setAll(get.apply(o.out()), i -> o.alpha() * a[i] + o.beta() * b[i]);
      }
      case MuonOp.MuonUpdate o -> update(o, get);
    }
  }

  /** Where element {@code i} of a matrix is in its transposed one. */
  private static int from(int i, int rows, int columns, boolean transposed) {
    return transposed ? i % columns * rows + i / columns : i;
  }

  private static void momentum(MuonOp.MuonMomentum o, Function<Tensor, double[]> get) {
    double norm = get.apply(o.norm())[0];
    double[] direction = get.apply(o.direction());
    if (!Double.isFinite(norm)) {
      Arrays.fill(direction, 0);
      return;
    }
    double scale = norm > o.maxNorm() ? o.maxNorm() / norm : 1;
    double[] momentum = get.apply(o.momentum());
    double[] gradient = get.apply(o.gradient());
    for (int i = 0; i < momentum.length; i++) {
      double g = gradient[i] * scale;
      momentum[i] += (1 - o.beta()) * (g - momentum[i]);
      direction[i] = g + o.beta() * (momentum[i] - g);
    }
  }

  private static void update(MuonOp.MuonUpdate o, Function<Tensor, double[]> get) {
    if (!Double.isFinite(get.apply(o.norm())[0])) {
      return;
    }
    double lr = get.apply(o.schedule())[0] * o.rate();
    double[] p = get.apply(o.parameter());
    double[] direction = get.apply(o.direction());
    int rows = o.parameter().shape().dim(0);
    int columns = o.parameter().shape().dim(1);
    for (int i = 0; i < p.length; i++) {
      double u = direction[from(i, rows, columns, o.transposed())];
      p[i] = p[i] * (1 - lr * o.weightDecay()) - lr * o.scale() * u;
    }
    if (o.parameter().dtype() == DType.BF16) {
      o.rounding()
          .ifPresent(how -> StochasticRounding.round(p, get.apply(how.random()), how.stream()));
    }
  }
}
