package dev.anneal.cuda;

import dev.anneal.cuda.CudnnGraph.Four;
import dev.anneal.cuda.CudnnGraph.Mode;
import dev.anneal.cuda.CudnnGraph.Reduction;
import dev.anneal.cuda.CudnnGraph.Tensor;
import dev.anneal.cuda.CudnnGraph.Type;
import dev.anneal.launch.AttentionSupport.Shape;
import java.util.Optional;

/**
 * Causal attention and its gradient as the graphs that cuDNN's fused engines know. Queries, keys
 * and values are where the projection before wrote them, side by side in one tensor (B,T,3C); only
 * strides say so. Products round what they multiply to 16 bits, all between is fp32.
 *
 * <p>Source: cuDNN's developer guide, "fused flash attention" patterns; Dao, "FlashAttention-2",
 * 2023.
 */
final class CudnnAttentionGraph {
  private final Shape shape;
  private final Type format;
  private final CudnnGraph graph = new CudnnGraph();

  private CudnnAttentionGraph(Shape shape) {
    this.shape = shape;
    this.format =
        switch (shape.format()) {
          case BF16 -> Type.BFLOAT16;
          case F16 -> Type.HALF;
          case F32, I32, F8E4M3, F8E5M2, F8E4M3FNUZ, F8E5M2FNUZ ->
              throw new IllegalArgumentException("attention of " + shape.format());
        };
  }

  /** (B,NH,T,HS) within tokens that have {@code width} numbers each. */
  private Tensor heads(long width) {
    return graph.memory(format, headSizes(), headStrides(width));
  }

  /** Keys or values as the products take them: transposed. */
  private Tensor transposedHeads(long width) {
    return graph.memory(format, headSizes().transposed(), headStrides(width).transposed());
  }

  private Four headSizes() {
    return new Four(shape.batch(), shape.heads(), shape.tokens(), shape.headSize());
  }

  private Four headStrides(long width) {
    return new Four(shape.tokens() * width, shape.headSize(), width, 1);
  }

  /** C. */
  private long channels() {
    return (long) shape.heads() * shape.headSize();
  }

  /** (B,NH,T,{@code columns}) in fp32 without gaps. Other strides would be taken, and go wrong. */
  private Tensor dense(long columns) {
    Four sizes = headSizes().withColumns(columns);
    return graph.memory(Type.FLOAT, sizes, sizes.dense());
  }

  /**
   * The forward pass.
   *
   * @param scale 1 / sqrt(HS)
   * @param masked what scores of later tokens become
   * @param logSumExp (B,NH,T,1)
   */
  record Forward(
      CudnnGraph graph,
      Tensor query,
      Tensor key,
      Tensor value,
      Tensor out,
      Tensor logSumExp,
      Tensor scale,
      Tensor masked) {}

  static Forward forward(Shape shape) {
    CudnnAttentionGraph of = new CudnnAttentionGraph(shape);
    CudnnGraph g = of.graph;
    long width = 3 * of.channels();
    Tensor query = of.heads(width);
    Tensor key = of.transposedHeads(width);
    Tensor value = of.heads(width);
    Tensor out = of.heads(of.channels());
    Tensor logSumExp = of.dense(1);
    Tensor scale = g.number();
    Tensor masked = g.number();

    Tensor scores = g.pointwise(Mode.MULTIPLY, g.product(query, key), scale);
    scores = g.causal(scores, masked);
    Tensor max = g.reduce(Reduction.MAX, scores);
    Tensor exps = g.pointwise(Mode.EXP, g.pointwise(Mode.SUBTRACT, scores, max));
    Tensor sum = g.reduce(Reduction.ADD, exps);
    g.into(logSumExp, Mode.ADD, max, Optional.of(g.pointwise(Mode.LOG, sum)));
    g.product(g.pointwise(of.format, Mode.DIVIDE, exps, sum), value, out);
    return new Forward(g, query, key, value, out, logSumExp, scale, masked);
  }

  /**
   * The backward pass.
   *
   * @param delta (B,NH,T,1), room for the row sums of dOut * out
   * @param one 1, where dropout would have its factor
   * @param sum (B,NH,T,HS) in fp32, where dQuery is summed up before it is rounded, if it is
   */
  record Backward(
      CudnnGraph graph,
      Tensor query,
      Tensor key,
      Tensor value,
      Tensor out,
      Tensor dOut,
      Tensor logSumExp,
      Tensor delta,
      Tensor dQuery,
      Tensor dKey,
      Tensor dValue,
      Tensor scale,
      Tensor one,
      Tensor masked,
      Optional<Tensor> sum) {}

  /**
   * @param summed whether blocks of keys add their parts of dQuery to a tensor in fp32, which is
   *     little scratch; otherwise the gradient of all scores goes through scratch, (B,NH,T,T),
   *     which is the way that needs no atomic additions on Hopper
   */
  static Backward backward(Shape shape, boolean summed) {
    CudnnAttentionGraph of = new CudnnAttentionGraph(shape);
    CudnnGraph g = of.graph;
    long width = 3 * of.channels();
    Tensor query = of.heads(width);
    Tensor key = of.transposedHeads(width);
    Tensor value = of.transposedHeads(width);
    Tensor out = of.heads(of.channels());
    Tensor dOut = of.heads(of.channels());
    Tensor logSumExp = of.dense(1);
    Tensor delta = of.dense(1);
    Tensor dQuery = of.heads(width);
    Tensor dKey = of.heads(width);
    Tensor dValue = of.heads(width);
    Tensor scale = g.number();
    Tensor one = g.number();
    Tensor masked = g.number();

    Tensor products = g.pointwise(Mode.MULTIPLY, dOut, out);
    g.into(delta, Mode.MULTIPLY, g.reduce(Reduction.ADD, products), Optional.of(one));

    Tensor scores = g.pointwise(Mode.MULTIPLY, g.product(query, key), scale);
    scores = g.causal(g.pointwise(Mode.SUBTRACT, scores, logSumExp), masked);
    Tensor probabilities = g.pointwise(Mode.EXP, scores);
    g.product(g.transposed(of.format, probabilities), dOut, dValue);

    Tensor dScores = g.pointwise(Mode.SUBTRACT, g.product(dOut, value), delta);
    dScores = g.pointwise(Mode.MULTIPLY, dScores, probabilities);
    dScores = g.pointwise(Mode.MULTIPLY, dScores, scale);
    g.product(g.transposed(of.format, dScores), query, dKey);

    Tensor rows = g.transposed(of.format, key);
    Optional<Tensor> sum = summed ? Optional.of(of.dense(shape.headSize())) : Optional.empty();
    if (sum.isPresent()) {
      g.product(dScores, rows, sum.get());
      g.into(dQuery, Mode.IDENTITY, sum.get(), Optional.empty());
    } else {
      g.product(dScores, rows, dQuery);
    }
    return new Backward(
        g, query, key, value, out, dOut, logSumExp, delta, dQuery, dKey, dValue, scale, one, masked,
        sum);
  }
}
