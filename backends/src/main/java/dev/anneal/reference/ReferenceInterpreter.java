package dev.anneal.reference;

import dev.anneal.plan.DType;
import dev.anneal.plan.MuonOp;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What every op computes, in double precision and plain loops: the specification that devices are
 * held against. Integers, such as tokens, are doubles with integral values here.
 */
public final class ReferenceInterpreter {
  private final Map<Tensor, double[]> values = new HashMap<>();

  /** The elements of {@code tensor}, zero at first; changes are seen by later ops. */
  public double[] get(Tensor tensor) {
    return values.computeIfAbsent(tensor, t -> new double[Math.toIntExact(t.elements())]);
  }

  public void set(Tensor tensor, double... elements) {
    if (elements.length != tensor.elements()) {
      throw new IllegalArgumentException(
          tensor + " does not have " + elements.length + " elements");
    }
    System.arraycopy(elements, 0, get(tensor), 0, elements.length);
  }

  public void run(List<Op> ops) {
    ops.forEach(this::run);
  }

  /** Runs one op on the values that its tensors have; what 16 or 8 bits store is rounded. */
  public void run(Op op) {
    compute(op);
    for (Tensor tensor : op.writes()) {
      if (tensor.dtype().bytes() < Float.BYTES) {
        double[] exact = get(tensor);
        Arrays.setAll(exact, i -> tensor.dtype().round((float) exact[i]));
      }
    }
  }

  private void compute(Op op) {
    switch (op) {
      case Op.EmbeddingForward o -> embedding(o);
      case Op.TokenEmbeddingForward o -> tokenEmbedding(o);
      case Op.RmsNormForward o -> ReferenceLlama.rmsNorm(o, this::get);
      case Op.RmsNormBackward o -> ReferenceLlama.rmsNormBackward(o, this::get);
      case Op.RotaryForward o -> ReferenceLlama.rotary(o, this::get);
      case Op.RotaryBackward o -> ReferenceLlama.rotaryBackward(o, this::get);
      case Op.SwiGluForward o -> ReferenceLlama.swiGlu(o, this::get);
      case Op.SwiGluBackward o -> ReferenceLlama.swiGluBackward(o, this::get);
      case Op.TokenEmbeddingBackward o -> tokenEmbeddingBackward(o);
      case Op.PositionEmbeddingBackward o -> positionEmbeddingBackward(o);
      case Op.LayerNormForward o -> layerNorm(o);
      case Op.LayerNormBackward o -> layerNormBackward(o);
      case Op.MatmulForward o -> matmul(o);
      case Op.MatmulBackwardInput o -> matmulBackwardInput(o);
      case Op.MatmulBackwardWeight o -> matmulBackwardWeight(o);
      case Op.BiasBackward o -> biasBackward(o);
      case Op.AttentionForward o ->
          ReferenceAttention.forward(o, get(o.out()), get(o.logSumExp()), get(o.qkv()));
      case Op.AttentionBackward o ->
          ReferenceAttention.backward(
              o, get(o.dQkv()), get(o.delta()), get(o.dOut()), get(o.qkv()), get(o.out()));
      case Op.CachedAttention o ->
          ReferenceAttention.cached(
              o,
              get(o.out()),
              get(o.keyCache()),
              get(o.valueCache()),
              get(o.qkv()),
              (int) get(o.position())[0]);
      case Op.Add o -> {
        double[] a = get(o.a());
        double[] b = get(o.b());
        Arrays.setAll(get(o.out()), i -> a[i] + b[i]);
      }
      case Op.GeluForward o -> {
        double[] in = get(o.in());
        Arrays.setAll(get(o.out()), i -> 0.5 * in[i] * (1 + Math.tanh(geluArgument(in[i]))));
      }
      case Op.GeluBackward o -> {
        double[] in = get(o.in());
        double[] dOut = get(o.dOut());
        Arrays.setAll(get(o.dIn()), i -> dOut[i] * geluSlope(in[i]));
      }
      case Op.CrossEntropyForward o -> crossEntropy(o);
      case Op.CrossEntropyBackward o -> crossEntropyBackward(o);
      case Op.Classifier o -> classifier(o);
      case Op.MeanForward o -> get(o.out())[0] = Arrays.stream(get(o.in())).average().orElseThrow();
      case Op.MeanBackward o -> Arrays.fill(get(o.dIn()), get(o.dOut())[0] / o.dIn().elements());
      case Op.Fill o -> Arrays.fill(get(o.out()), o.value());
      case Op.GlobalNorm o -> globalNorm(o);
      case Op.Quantize o -> quantize(o);
      case Op.ScaledMatmul o -> scaledMatmul(o);
      case Op.AdamW o -> adamW(o);
      case Op.Cast o -> System.arraycopy(get(o.in()), 0, get(o.out()), 0, get(o.out()).length);
      case MuonOp o -> MuonReference.run(o, this::get);
    }
  }

  private static int columns(Tensor tensor) {
    return tensor.shape().dim(-1);
  }

  private static int rows(Tensor tensor) {
    return Math.toIntExact(tensor.shape().rows());
  }

  private void clear(Tensor gradient, boolean accumulate) {
    if (!accumulate) {
      Arrays.fill(get(gradient), 0);
    }
  }

  private void embedding(Op.EmbeddingForward o) {
    int c = columns(o.out());
    int t = columns(o.tokens());
    int start = o.start().map(s -> (int) get(s)[0]).orElse(0);
    double[] tokens = get(o.tokens());
    double[] wte = get(o.wte());
    double[] wpe = get(o.wpe());
    Arrays.setAll(
        get(o.out()),
        i -> {
          int row = i / c;
          return wte[(int) tokens[row] * c + i % c] + wpe[(start + row % t) * c + i % c];
        });
  }

  private void tokenEmbedding(Op.TokenEmbeddingForward o) {
    int c = columns(o.out());
    double[] tokens = get(o.tokens());
    double[] wte = get(o.wte());
    Arrays.setAll(get(o.out()), i -> wte[(int) tokens[i / c] * c + i % c]);
  }

  private void globalNorm(Op.GlobalNorm o) {
    double sum = 0;
    for (Tensor gradient : o.gradients()) {
      sum += Arrays.stream(get(gradient)).map(g -> g * g).sum();
    }
    get(o.norm())[0] = Math.sqrt(sum);
  }

  private void tokenEmbeddingBackward(Op.TokenEmbeddingBackward o) {
    clear(o.dWte(), o.accumulate());
    int c = columns(o.dWte());
    double[] dOut = get(o.dOut());
    double[] dWte = get(o.dWte());
    double[] tokens = get(o.tokens());
    for (int i = 0; i < dOut.length; i++) {
      dWte[(int) tokens[i / c] * c + i % c] += dOut[i];
    }
  }

  private void positionEmbeddingBackward(Op.PositionEmbeddingBackward o) {
    clear(o.dWpe(), o.accumulate());
    int c = columns(o.dWpe());
    int t = o.dOut().shape().dim(1);
    double[] dOut = get(o.dOut());
    double[] dWpe = get(o.dWpe());
    for (int i = 0; i < dOut.length; i++) {
      dWpe[i / c % t * c + i % c] += dOut[i];
    }
  }

  private void layerNorm(Op.LayerNormForward o) {
    int c = columns(o.in());
    double[] in = get(o.in());
    double[] out = get(o.out());
    double[] weight = get(o.weight());
    double[] bias = get(o.bias());
    for (int row = 0; row < rows(o.in()); row++) {
      double mean = 0;
      for (int i = 0; i < c; i++) {
        mean += in[row * c + i] / c;
      }
      double variance = 0;
      for (int i = 0; i < c; i++) {
        variance += (in[row * c + i] - mean) * (in[row * c + i] - mean) / c;
      }
      double rstd = 1 / Math.sqrt(variance + o.epsilon());
      for (int i = 0; i < c; i++) {
        double n = (in[row * c + i] - mean) * rstd;
        out[row * c + i] = n * weight[i] + bias[i];
      }
      get(o.mean())[row] = mean;
      get(o.rstd())[row] = rstd;
    }
  }

  private void layerNormBackward(Op.LayerNormBackward o) {
    clear(o.dWeight(), o.accumulate());
    clear(o.dBias(), o.accumulate());
    int c = columns(o.in());
    double[] in = get(o.in());
    double[] dOut = get(o.dOut());
    double[] weight = get(o.weight());
    double[] dIn = get(o.dIn());
    double[] dWeight = get(o.dWeight());
    double[] dBias = get(o.dBias());
    Optional<double[]> residual = o.residual().map(this::get);
    for (int row = 0; row < rows(o.in()); row++) {
      double mean = get(o.mean())[row];
      double rstd = get(o.rstd())[row];
      double meanG = 0;
      double meanGn = 0;
      for (int i = 0; i < c; i++) {
        double n = (in[row * c + i] - mean) * rstd;
        double g = dOut[row * c + i] * weight[i];
        meanG += g / c;
        meanGn += g * n / c;
        dWeight[i] += dOut[row * c + i] * n;
        dBias[i] += dOut[row * c + i];
      }
      for (int i = 0; i < c; i++) {
        int at = row * c + i;
        double n = (in[at] - mean) * rstd;
        double g = dOut[at] * weight[i];
        double other = residual.map(r -> r[at]).orElse(0.0);
        dIn[at] = other + rstd * (g - meanG - n * meanGn);
      }
    }
  }

  private void matmul(Op.MatmulForward o) {
    int k = columns(o.in());
    int n = columns(o.out());
    double[] in = get(o.in());
    double[] weight = get(o.weight());
    Optional<double[]> bias = o.bias().map(this::get);
    Arrays.setAll(
        get(o.out()),
        at -> {
          double sum = bias.map(b -> b[at % n]).orElse(0.0);
          for (int i = 0; i < k; i++) {
            sum += in[at / n * k + i] * weight[at % n * k + i];
          }
          return sum;
        });
  }

  private void matmulBackwardInput(Op.MatmulBackwardInput o) {
    int k = columns(o.dIn());
    int n = columns(o.dOut());
    double[] dOut = get(o.dOut());
    double[] weight = get(o.weight());
    Arrays.setAll(
        get(o.dIn()),
        at -> {
          double sum = 0;
          for (int j = 0; j < n; j++) {
            sum += dOut[at / k * n + j] * weight[j * k + at % k];
          }
          return sum;
        });
  }

  private void matmulBackwardWeight(Op.MatmulBackwardWeight o) {
    clear(o.dWeight(), o.accumulate());
    int k = columns(o.in());
    int n = columns(o.dOut());
    double[] dWeight = get(o.dWeight());
    double[] dOut = get(o.dOut());
    double[] in = get(o.in());
    for (int at = 0; at < dWeight.length; at++) {
      for (int row = 0; row < rows(o.in()); row++) {
        dWeight[at] += dOut[row * n + at / k] * in[row * k + at % k];
      }
    }
  }

  private void biasBackward(Op.BiasBackward o) {
    clear(o.dBias(), o.accumulate());
    int n = columns(o.dBias());
    double[] dOut = get(o.dOut());
    double[] dBias = get(o.dBias());
    for (int i = 0; i < dOut.length; i++) {
      dBias[i % n] += dOut[i];
    }
  }

  private static double geluArgument(double x) {
    return Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
  }

  private static double geluSlope(double x) {
    double tanh = Math.tanh(geluArgument(x));
    double inner = Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
    return 0.5 * (1 + tanh) + 0.5 * x * (1 - tanh * tanh) * inner;
  }

  private void crossEntropy(Op.CrossEntropyForward o) {
    int columns = columns(o.logits());
    double[] logits = get(o.logits());
    for (int row = 0; row < rows(o.logits()); row++) {
      double max = Double.NEGATIVE_INFINITY;
      for (int v = 0; v < o.vocabulary(); v++) {
        max = Math.max(max, logits[row * columns + v]);
      }
      double sum = 0;
      for (int v = 0; v < o.vocabulary(); v++) {
        sum += Math.exp(logits[row * columns + v] - max);
      }
      double logSumExp = max + Math.log(sum);
      int target = (int) get(o.targets())[row];
      get(o.logSumExp())[row] = logSumExp;
      get(o.losses())[row] = logSumExp - logits[row * columns + target];
    }
  }

  private void crossEntropyBackward(Op.CrossEntropyBackward o) {
    int columns = columns(o.logits());
    double[] logits = get(o.logits());
    double[] logSumExps = get(o.logSumExp());
    double[] targets = get(o.targets());
    double[] dLosses = get(o.dLosses());
    Arrays.setAll(
        get(o.dLogits()),
        at -> {
          int row = at / columns;
          int v = at % columns;
          if (v >= o.vocabulary()) {
            return 0;
          }
          double distance = logits[at] - logSumExps[row];
          return dLosses[row] * (Math.exp(distance) - hit(v == (int) targets[row], distance));
        });
  }

  /** 1 at the target, 0 elsewhere; of an infinite loss no update is to come. */
  private static double hit(boolean atTarget, double distance) {
    return !atTarget ? 0 : Double.isFinite(distance) ? 1 : Double.NaN;
  }

  /** Row by row; logits and their gradients are rounded as they are stored in between. */
  private void classifier(Op.Classifier o) {
    clear(o.dWeight(), o.accumulate());
    int c = columns(o.in());
    int padded = columns(o.logits());
    int room = rows(o.logits());
    double[] in = get(o.in());
    double[] weight = get(o.weight());
    double[] dIn = get(o.dIn());
    double[] dWeight = get(o.dWeight());
    for (int row = 0; row < rows(o.in()); row++) {
      double[] logits = new double[padded];
      double max = Double.NEGATIVE_INFINITY;
      for (int v = 0; v < padded; v++) {
        for (int i = 0; i < c; i++) {
          logits[v] += in[row * c + i] * weight[v * c + i];
        }
        logits[v] = stored(o.logits(), logits[v]);
        max = v < o.vocabulary() ? Math.max(max, logits[v]) : max;
      }
      double sum = 0;
      for (int v = 0; v < o.vocabulary(); v++) {
        sum += Math.exp(logits[v] - max);
      }
      double logSumExp = max + Math.log(sum);
      int target = (int) get(o.targets())[row];
      get(o.logSumExp())[row] = logSumExp;
      get(o.losses())[row] = logSumExp - logits[target];
      Arrays.fill(dIn, row * c, (row + 1) * c, 0);
      for (int v = 0; v < padded; v++) {
        double hit = hit(v == target, logits[v] - logSumExp);
        double d =
            v < o.vocabulary()
                ? get(o.dLosses())[row] * (Math.exp(logits[v] - logSumExp) - hit)
                : 0;
        d = stored(o.logits(), d);
        get(o.logits())[row % room * padded + v] = d;
        for (int i = 0; i < c; i++) {
          dIn[row * c + i] += d * weight[v * c + i];
          dWeight[v * c + i] += d * in[row * c + i];
        }
      }
    }
  }

  private static double stored(Tensor tensor, double value) {
    return tensor.dtype().bytes() == 2 ? tensor.dtype().round((float) value) : value;
  }

  private void quantize(Op.Quantize o) {
    double[] in = get(o.in());
    int k = columns(o.in());
    int m = in.length / k;
    double largest = Arrays.stream(in).map(Math::abs).max().orElseThrow();
    double scale = largest == 0 ? 1 : largest / o.format().largest();
    get(o.scale())[0] = scale;
    o.out().ifPresent(out -> Arrays.setAll(get(out), i -> in[i] / scale));
    o.transposed().ifPresent(out -> Arrays.setAll(get(out), i -> in[i % m * k + i / m] / scale));
  }

  private void scaledMatmul(Op.ScaledMatmul o) {
    clear(o.out(), o.accumulate());
    double[] out = get(o.out());
    double[] a = get(o.a());
    double[] b = get(o.b());
    int k = columns(o.a());
    int n = columns(o.out());
    double scale = get(o.aScale())[0] * get(o.bScale())[0];
    for (int at = 0; at < out.length; at++) {
      double sum = 0;
      for (int i = 0; i < k; i++) {
        sum += a[at / n * k + i] * b[at % n * k + i];
      }
      int column = at % n;
      out[at] += scale * sum + o.bias().map(bias -> get(bias)[column]).orElse(0.0);
    }
  }

  private void adamW(Op.AdamW o) {
    double norm = get(o.norm())[0];
    if (!Double.isFinite(norm)) {
      return;
    }
    double scale = norm > o.maxNorm() ? o.maxNorm() / norm : 1;
    double[] schedule = get(o.schedule());
    double[] p = get(o.parameter());
    double[] m = get(o.m());
    double[] v = get(o.v());
    for (int i = 0; i < p.length; i++) {
      double g = get(o.gradient())[i] * scale;
      m[i] = o.beta1() * m[i] + (1 - o.beta1()) * g;
      v[i] = o.beta2() * v[i] + (1 - o.beta2()) * g * g;
      double step = m[i] / schedule[1] / (Math.sqrt(v[i] / schedule[2]) + o.epsilon());
      p[i] -= schedule[0] * (step + o.weightDecay() * p[i]);
    }
    if (o.parameter().dtype() == DType.BF16) {
      o.rounding().ifPresent(how -> StochasticRounding.round(p, get(how.random()), how.stream()));
    }
  }
}
