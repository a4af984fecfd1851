package dev.anneal.reference;

import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Function;

/** What Llama's ops are, in double precision and plain loops. */
final class ReferenceLlama {
  private ReferenceLlama() {}

  static void rmsNorm(Op.RmsNormForward o, Function<Tensor, double[]> get) {
    int c = o.in().shape().dim(-1);
    double[] in = get.apply(o.in());
    double[] out = get.apply(o.out());
    double[] weight = get.apply(o.weight());
    double[] rstds = get.apply(o.rstd());
    for (int row = 0; row < rstds.length; row++) {
      double squares = 0;
      for (int i = 0; i < c; i++) {
        squares += in[row * c + i] * in[row * c + i] / c;
      }
      rstds[row] = 1 / Math.sqrt(squares + o.epsilon());
      for (int i = 0; i < c; i++) {
        out[row * c + i] = in[row * c + i] * rstds[row] * weight[i];
      }
    }
  }

  static void rmsNormBackward(Op.RmsNormBackward o, Function<Tensor, double[]> get) {
    int c = o.in().shape().dim(-1);
    double[] in = get.apply(o.in());
    double[] dOut = get.apply(o.dOut());
    double[] weight = get.apply(o.weight());
    double[] dIn = get.apply(o.dIn());
    double[] dWeight = get.apply(o.dWeight());
    double[] rstds = get.apply(o.rstd());
    Optional<double[]> residual = o.residual().map(get);
    if (!o.accumulate()) {
      Arrays.fill(dWeight, 0);
    }
    for (int row = 0; row < rstds.length; row++) {
      double rstd = rstds[row];
      double meanGn = 0;
      for (int i = 0; i < c; i++) {
        double n = in[row * c + i] * rstd;
        meanGn += dOut[row * c + i] * weight[i] * n / c;
        dWeight[i] += dOut[row * c + i] * n;
      }
      for (int i = 0; i < c; i++) {
        int at = row * c + i;
        double other = residual.map(r -> r[at]).orElse(0.0);
        dIn[at] = other + rstd * (dOut[at] * weight[i] - in[at] * rstd * meanGn);
      }
    }
  }

  /** The head of the grouped tensor that head {@code h} of 3 NH heads is made of. */
  private static int source(Op.Grouped o, int h) {
    int heads = o.heads();
    return h < heads
        ? h
        : heads + (h - heads) / heads * o.kvHeads() + (h - heads) % heads / o.group();
  }

  private static boolean isRotated(Op.Grouped o, int h) {
    return h < 2 * o.heads();
  }

  static void rotary(Op.RotaryForward o, Function<Tensor, double[]> get) {
    int size = o.headSize();
    int half = size / 2;
    int width = o.in().shape().dim(-1);
    int t = o.in().shape().dim(1);
    int start = o.start().map(s -> (int) get.apply(s)[0]).orElse(0);
    double[] in = get.apply(o.in());
    double[] out = get.apply(o.out());
    double[] table = get.apply(o.table());
    for (int row = 0; row < o.in().shape().rows(); row++) {
      int angles = (start + row % t) * size;
      for (int h = 0; h < 3 * o.heads(); h++) {
        int from = row * width + source(o, h) * size;
        int to = (row * 3 * o.heads() + h) * size;
        for (int i = 0; i < half; i++) {
          double cos = isRotated(o, h) ? table[angles + i] : 1;
          double sin = isRotated(o, h) ? table[angles + half + i] : 0;
          out[to + i] = in[from + i] * cos - in[from + half + i] * sin;
          out[to + half + i] = in[from + half + i] * cos + in[from + i] * sin;
        }
      }
    }
  }

  static void rotaryBackward(Op.RotaryBackward o, Function<Tensor, double[]> get) {
    int size = o.headSize();
    int half = size / 2;
    int width = o.dIn().shape().dim(-1);
    int t = o.dIn().shape().dim(1);
    double[] dIn = get.apply(o.dIn());
    double[] dOut = get.apply(o.dOut());
    double[] table = get.apply(o.table());
    Arrays.fill(dIn, 0);
    for (int row = 0; row < o.dIn().shape().rows(); row++) {
      int angles = row % t * size;
      for (int h = 0; h < 3 * o.heads(); h++) {
        int to = row * width + source(o, h) * size;
        int from = (row * 3 * o.heads() + h) * size;
        for (int i = 0; i < half; i++) {
          double cos = isRotated(o, h) ? table[angles + i] : 1;
          double sin = isRotated(o, h) ? table[angles + half + i] : 0;
          dIn[to + i] += dOut[from + i] * cos + dOut[from + half + i] * sin;
          dIn[to + half + i] += dOut[from + half + i] * cos - dOut[from + i] * sin;
        }
      }
    }
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  static void swiGlu(Op.SwiGluForward o, Function<Tensor, double[]> get) {
    int f = o.out().shape().dim(-1);
    double[] in = get.apply(o.in());
    Arrays.setAll(
        get.apply(o.out()),
        i -> {
          int gate = i / f * 2 * f + i % f;
          return in[gate] * sigmoid(in[gate]) * in[gate + f];
        });
  }

  static void swiGluBackward(Op.SwiGluBackward o, Function<Tensor, double[]> get) {
    int f = o.dOut().shape().dim(-1);
    double[] in = get.apply(o.in());
    double[] dIn = get.apply(o.dIn());
    double[] dOut = get.apply(o.dOut());
    for (int i = 0; i < dOut.length; i++) {
      int gate = i / f * 2 * f + i % f;
      double x = in[gate];
      double s = sigmoid(x);
      dIn[gate] = dOut[i] * in[gate + f] * s * (1 + x * (1 - s));
      dIn[gate + f] = dOut[i] * x * s;
    }
  }
}
