package dev.anneal.reference;

import dev.anneal.plan.Op;
import dev.anneal.plan.Shape;
import java.util.Arrays;

/** Causal self-attention in double precision: the (T,T) matrix of each head, row by row. */
final class ReferenceAttention {
  private ReferenceAttention() {}

  /** Where q (part 0), k (1) and v (2) of one token and head begin in (B,T,3C). */
  private static int qkvAt(int token, int part, int head, int c, int hs) {
    return token * 3 * c + part * c + head * hs;
  }

  /** Scores of the query of token {@code t} with the keys of tokens 0 to t of sequence b. */
  private static double[] probabilities(
      double[] qkv, int b, int t, int head, int length, int c, int hs) {
    double[] p = new double[t + 1];
    int query = qkvAt(b * length + t, 0, head, c, hs);
    for (int s = 0; s <= t; s++) {
      int key = qkvAt(b * length + s, 1, head, c, hs);
      for (int i = 0; i < hs; i++) {
        p[s] += qkv[query + i] * qkv[key + i] / Math.sqrt(hs);
      }
    }
    return p;
  }

  /** Replaces scores by their softmax. Returns logSumExp. */
  private static double softmax(double[] p) {
    double max = Arrays.stream(p).max().orElseThrow();
    double sum = Arrays.stream(p).map(x -> Math.exp(x - max)).sum();
    for (int i = 0; i < p.length; i++) {
      p[i] = Math.exp(p[i] - max) / sum;
    }
    return max + Math.log(sum);
  }

  static void forward(Op.AttentionForward op, double[] out, double[] logSumExp, double[] qkv) {
    Shape shape = op.out().shape();
    int length = shape.dim(1);
    int c = shape.dim(2);
    int hs = c / op.heads();
    Arrays.fill(out, 0);
    for (int b = 0; b < shape.dim(0); b++) {
      for (int head = 0; head < op.heads(); head++) {
        for (int t = 0; t < length; t++) {
          double[] p = probabilities(qkv, b, t, head, length, c, hs);
          logSumExp[(b * op.heads() + head) * length + t] = softmax(p);
          for (int s = 0; s <= t; s++) {
            int value = qkvAt(b * length + s, 2, head, c, hs);
            for (int i = 0; i < hs; i++) {
              out[(b * length + t) * c + head * hs + i] += p[s] * qkv[value + i];
            }
          }
        }
      }
    }
  }

  static void backward(
      Op.AttentionBackward op,
      double[] dQkv,
      double[] delta,
      double[] dOut,
      double[] qkv,
      double[] out) {
    Shape shape = op.out().shape();
    int length = shape.dim(1);
    int c = shape.dim(2);
    int hs = c / op.heads();
    Arrays.fill(dQkv, 0);
    for (int b = 0; b < shape.dim(0); b++) {
      for (int head = 0; head < op.heads(); head++) {
        for (int t = 0; t < length; t++) {
          double[] p = probabilities(qkv, b, t, head, length, c, hs);
          softmax(p);
          int row = (b * length + t) * c + head * hs;
          double d = 0;
          for (int i = 0; i < hs; i++) {
            d += dOut[row + i] * out[row + i];
          }
          delta[(b * op.heads() + head) * length + t] = d;
          int q = qkvAt(b * length + t, 0, head, c, hs);
          for (int s = 0; s <= t; s++) {
            int k = qkvAt(b * length + s, 1, head, c, hs);
            int v = qkvAt(b * length + s, 2, head, c, hs);
            double dP = 0;
            for (int i = 0; i < hs; i++) {
              dP += dOut[row + i] * qkv[v + i];
              dQkv[v + i] += p[s] * dOut[row + i];
            }
            double dS = p[s] * (dP - d) / Math.sqrt(hs);
            for (int i = 0; i < hs; i++) {
              dQkv[q + i] += dS * qkv[k + i];
              dQkv[k + i] += dS * qkv[q + i];
            }
          }
        }
      }
    }
  }

  static void cached(
      Op.CachedAttention op,
      double[] out,
      double[] keys,
      double[] values,
      double[] qkv,
      int position) {
    Shape shape = op.out().shape();
    int length = shape.dim(1);
    int c = shape.dim(2);
    int hs = c / op.heads();
    int room = op.keyCache().shape().dim(1);
    Arrays.fill(out, 0);
    for (int b = 0; b < shape.dim(0); b++) {
      for (int t = 0; t < length; t++) {
        int token = b * length + t;
        System.arraycopy(qkv, token * 3 * c + c, keys, (b * room + position + t) * c, c);
        System.arraycopy(qkv, token * 3 * c + 2 * c, values, (b * room + position + t) * c, c);
        for (int head = 0; head < op.heads(); head++) {
          double[] p = new double[position + t + 1];
          int q = qkvAt(token, 0, head, c, hs);
          for (int s = 0; s < p.length; s++) {
            for (int i = 0; i < hs; i++) {
              p[s] += qkv[q + i] * keys[(b * room + s) * c + head * hs + i] / Math.sqrt(hs);
            }
          }
          softmax(p);
          for (int s = 0; s < p.length; s++) {
            for (int i = 0; i < hs; i++) {
              out[token * c + head * hs + i] += p[s] * values[(b * room + s) * c + head * hs + i];
            }
          }
        }
      }
    }
  }
}
