package dev.anneal.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * One step of a plan: which tensors it reads and writes, and the constants it needs. A device
 * implements an exhaustive {@code switch} over these records; nothing else has to know how.
 *
 * <p>Shapes: B sequences of T tokens, C channels, NH heads of HS = C / NH channels, V vocabulary
 * rows padded to Vp. Every op overwrites what it writes, except that an op with {@code accumulate}
 * set adds to its gradients, and {@link AdamW} and {@link CachedAttention} update state in place.
 *
 * <p>Models emit {@link Forward} ops only; {@link Backward} derives the rest.
 */
public sealed interface Op {

  /** The tensors whose values this op uses, including state that it updates. */
  List<Tensor> reads();

  /** The tensors this op gives values to; the first is its main result. */
  List<Tensor> writes();

  /** This op with every tensor replaced by its image; {@code f} keeps shapes and dtypes. */
  Op mapTensors(UnaryOperator<Tensor> f);

  /** Arithmetic this op does, a multiplication and an addition counting two. */
  long flops();

  /** The read tensors whose memory the main result may take over when they are not read again. */
  default List<Tensor> overwritable() {
    return List.of();
  }

  /** The op's name in tables and timings, e.g. {@code MatmulForward}. */
  default String kind() {
    return getClass().getSimpleName();
  }

  /** An op that a model emits. */
  sealed interface Forward extends Op {}

  /** An op of the derived backward pass. */
  sealed interface Gradient extends Op {}

  /** An op that adds to parameter gradients when {@code accumulate} is set. */
  sealed interface ParameterGradient extends Gradient {
    boolean accumulate();

    ParameterGradient accumulating();
  }

  /** An op of products of 8 bits, which {@link EightBitProducts} puts into a plan. */
  sealed interface EightBit extends Op {}

  /** An op of the optimizer. */
  sealed interface Update extends Op permits GlobalNorm, Cast, ParameterUpdate, MuonOp {}

  /** An op that gives a parameter its new value. */
  sealed interface ParameterUpdate extends Update permits AdamW, MuonOp.MuonUpdate {
    Tensor parameter();
  }

  /**
   * out(b,t) = wte(tokens(b,t)) + wpe(start + t). out (B,T,C), tokens (B,T), wte (Vp,C), wpe
   * (maxT,C); {@code start} is one integer, 0 when absent.
   */
  record EmbeddingForward(Tensor out, Tensor tokens, Tensor wte, Tensor wpe, Optional<Tensor> start)
      implements Forward {
    @Override
    public List<Tensor> reads() {
      return join(List.of(tokens, wte, wpe), start);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new EmbeddingForward(
          f.apply(out), f.apply(tokens), f.apply(wte), f.apply(wpe), start.map(f));
    }

    @Override
    public long flops() {
      return out.elements();
    }
  }

  /** dWte(v) (+)= sum of dOut(b,t) over all (b,t) with tokens(b,t) = v, in order of (b,t). */
  record TokenEmbeddingBackward(Tensor dWte, Tensor dOut, Tensor tokens, boolean accumulate)
      implements ParameterGradient {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut, tokens);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dWte);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new TokenEmbeddingBackward(f.apply(dWte), f.apply(dOut), f.apply(tokens), accumulate);
    }

    @Override
    public ParameterGradient accumulating() {
      return new TokenEmbeddingBackward(dWte, dOut, tokens, true);
    }

    @Override
    public long flops() {
      return dOut.elements();
    }
  }

  /** dWpe(t) (+)= sum over b of dOut(b,t), rows from T on being zero. */
  record PositionEmbeddingBackward(Tensor dWpe, Tensor dOut, boolean accumulate)
      implements ParameterGradient {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dWpe);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new PositionEmbeddingBackward(f.apply(dWpe), f.apply(dOut), accumulate);
    }

    @Override
    public ParameterGradient accumulating() {
      return new PositionEmbeddingBackward(dWpe, dOut, true);
    }

    @Override
    public long flops() {
      return dOut.elements();
    }
  }

  /**
   * out = (in - mean) * rstd * weight + bias over the channels of each row, rstd = 1 /
   * sqrt(variance + epsilon). in, out (B,T,C); mean, rstd (B,T); weight, bias (C).
   *
   * <p>Source: Ba, Kiros, Hinton, "Layer Normalization", 2016.
   */
  record LayerNormForward(
      Tensor out, Tensor mean, Tensor rstd, Tensor in, Tensor weight, Tensor bias, float epsilon)
      implements Forward {
    @Override
    public List<Tensor> reads() {
      return List.of(in, weight, bias);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out, mean, rstd);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new LayerNormForward(
          f.apply(out),
          f.apply(mean),
          f.apply(rstd),
          f.apply(in),
          f.apply(weight),
          f.apply(bias),
          epsilon);
    }

    @Override
    public long flops() {
      return 8 * in.elements();
    }
  }

  /**
   * With n = (in - mean) * rstd and g = dOut * weight: dIn = residual + rstd * (g - mean(g) - n *
   * mean(g * n)), dWeight (+)= sum over rows of dOut * n, dBias (+)= sum over rows of dOut. {@code
   * residual} is a gradient that reached {@code in} on another way, 0 when absent.
   */
  record LayerNormBackward(
      Tensor dIn,
      Tensor dWeight,
      Tensor dBias,
      Tensor dOut,
      Tensor in,
      Tensor weight,
      Tensor mean,
      Tensor rstd,
      Optional<Tensor> residual,
      boolean accumulate)
      implements ParameterGradient {
    @Override
    public List<Tensor> reads() {
      return join(List.of(dOut, in, weight, mean, rstd), residual);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dIn, dWeight, dBias);
    }

    @Override
    public List<Tensor> overwritable() {
      return residual.stream().toList();
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new LayerNormBackward(
          f.apply(dIn),
          f.apply(dWeight),
          f.apply(dBias),
          f.apply(dOut),
          f.apply(in),
          f.apply(weight),
          f.apply(mean),
          f.apply(rstd),
          residual.map(f),
          accumulate);
    }

    @Override
    public ParameterGradient accumulating() {
      return new LayerNormBackward(
          dIn, dWeight, dBias, dOut, in, weight, mean, rstd, residual, true);
    }

    @Override
    public long flops() {
      return 14 * in.elements();
    }
  }

  /** out = in weightᵀ + bias. in (B,T,K), weight (N,K), bias (N), out (B,T,N). */
  record MatmulForward(Tensor out, Tensor in, Tensor weight, Optional<Tensor> bias)
      implements Forward {
    @Override
    public List<Tensor> reads() {
      return join(List.of(in, weight), bias);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new MatmulForward(f.apply(out), f.apply(in), f.apply(weight), bias.map(f));
    }

    @Override
    public long flops() {
      return 2 * out.elements() * in.shape().dim(-1);
    }
  }

  /** dIn = dOut weight. dOut (B,T,N), weight (N,K), dIn (B,T,K). */
  record MatmulBackwardInput(Tensor dIn, Tensor dOut, Tensor weight) implements Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut, weight);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dIn);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new MatmulBackwardInput(f.apply(dIn), f.apply(dOut), f.apply(weight));
    }

    @Override
    public long flops() {
      return 2 * dOut.elements() * dIn.shape().dim(-1);
    }
  }

  /** dWeight (+)= dOutᵀ in. dOut (B,T,N), in (B,T,K), dWeight (N,K). */
  record MatmulBackwardWeight(Tensor dWeight, Tensor dOut, Tensor in, boolean accumulate)
      implements ParameterGradient {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut, in);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dWeight);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new MatmulBackwardWeight(f.apply(dWeight), f.apply(dOut), f.apply(in), accumulate);
    }

    @Override
    public ParameterGradient accumulating() {
      return new MatmulBackwardWeight(dWeight, dOut, in, true);
    }

    @Override
    public long flops() {
      return 2 * dOut.elements() * in.shape().dim(-1);
    }
  }

  /** dBias (+)= sum over rows of dOut. dOut (B,T,N), dBias (N). */
  record BiasBackward(Tensor dBias, Tensor dOut, boolean accumulate) implements ParameterGradient {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dBias);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new BiasBackward(f.apply(dBias), f.apply(dOut), accumulate);
    }

    @Override
    public ParameterGradient accumulating() {
      return new BiasBackward(dBias, dOut, true);
    }

    @Override
    public long flops() {
      return dOut.elements();
    }
  }

  /**
   * Causal self-attention: for each head, out = softmax(q kᵀ / sqrt(HS), keys up to the query's own
   * position) v. qkv (B,T,3C) holds q, k and v side by side; out (B,T,C); logSumExp (B,NH,T) is the
   * logarithm of each softmax's denominator.
   *
   * <p>Source: Vaswani et al., 2017; computed as in Dao, "FlashAttention-2", 2023.
   */
  record AttentionForward(Tensor out, Tensor logSumExp, Tensor qkv, int heads) implements Forward {
    @Override
    public List<Tensor> reads() {
      return List.of(qkv);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out, logSumExp);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new AttentionForward(f.apply(out), f.apply(logSumExp), f.apply(qkv), heads);
    }

    /** Two products of (T,HS) with (HS,T) per head, of which the causal half is needed. */
    @Override
    public long flops() {
      return 2 * out.elements() * (out.shape().dim(-2) + 1);
    }
  }

  /**
   * The gradient of {@link AttentionForward}. dQkv (B,T,3C), dOut and out (B,T,C); {@code delta}
   * (B,NH,T) is room for the row sums of dOut * out.
   */
  record AttentionBackward(
      Tensor dQkv, Tensor delta, Tensor dOut, Tensor qkv, Tensor out, Tensor logSumExp, int heads)
      implements Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut, qkv, out, logSumExp);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dQkv, delta);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new AttentionBackward(
          f.apply(dQkv),
          f.apply(delta),
          f.apply(dOut),
          f.apply(qkv),
          f.apply(out),
          f.apply(logSumExp),
          heads);
    }

    /** Five products where the forward pass has two. */
    @Override
    public long flops() {
      return 5 * out.elements() * (out.shape().dim(-2) + 1);
    }
  }

  /**
   * Attention of T new tokens to themselves and to all before them: appends their keys and values
   * to the caches at {@code position}, then out as in {@link AttentionForward}. qkv (B,T,3C),
   * caches (B,maxT,C), position one integer, out (B,T,C).
   */
  record CachedAttention(
      Tensor out, Tensor keyCache, Tensor valueCache, Tensor qkv, Tensor position, int heads)
      implements Forward {
    @Override
    public List<Tensor> reads() {
      return List.of(qkv, position, keyCache, valueCache);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out, keyCache, valueCache);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new CachedAttention(
          f.apply(out),
          f.apply(keyCache),
          f.apply(valueCache),
          f.apply(qkv),
          f.apply(position),
          heads);
    }

    /** At a full cache. */
    @Override
    public long flops() {
      return 4 * out.elements() * keyCache.shape().dim(-2);
    }
  }

  /** out = a + b, element by element. */
  record Add(Tensor out, Tensor a, Tensor b) implements Forward, Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(a, b);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }

    @Override
    public List<Tensor> overwritable() {
      return List.of(a, b);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new Add(f.apply(out), f.apply(a), f.apply(b));
    }

    @Override
    public long flops() {
      return out.elements();
    }
  }

  /**
   * out = in * 0.5 * (1 + tanh(sqrt(2/pi) * (in + 0.044715 in^3))), element by element.
   *
   * <p>Source: Hendrycks, Gimpel, "Gaussian Error Linear Units", 2016, the tanh form, as GPT-2's.
   */
  record GeluForward(Tensor out, Tensor in) implements Forward {
    @Override
    public List<Tensor> reads() {
      return List.of(in);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }

    @Override
    public List<Tensor> overwritable() {
      return List.of(in);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new GeluForward(f.apply(out), f.apply(in));
    }

    @Override
    public long flops() {
      return 20 * out.elements();
    }
  }

  /** dIn = dOut * gelu'(in), element by element. */
  record GeluBackward(Tensor dIn, Tensor dOut, Tensor in) implements Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut, in);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dIn);
    }

    @Override
    public List<Tensor> overwritable() {
      return List.of(dOut, in);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new GeluBackward(f.apply(dIn), f.apply(dOut), f.apply(in));
    }

    @Override
    public long flops() {
      return 30 * dIn.elements();
    }
  }

  /**
   * losses(b,t) = logSumExp(b,t) - logits(b,t,targets(b,t)), in nats; logSumExp over the first
   * {@code vocabulary} of the Vp columns. logits (B,T,Vp), targets, losses, logSumExp (B,T).
   */
  record CrossEntropyForward(
      Tensor losses, Tensor logSumExp, Tensor logits, Tensor targets, int vocabulary)
      implements Forward {
    @Override
    public List<Tensor> reads() {
      return List.of(logits, targets);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(losses, logSumExp);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new CrossEntropyForward(
          f.apply(losses), f.apply(logSumExp), f.apply(logits), f.apply(targets), vocabulary);
    }

    @Override
    public long flops() {
      return 12 * logits.elements();
    }
  }

  /**
   * dLogits(b,t,v) = dLosses(b,t) * (exp(logits(b,t,v) - logSumExp(b,t)) - [v = targets(b,t)]), and
   * 0 for the padded columns.
   */
  record CrossEntropyBackward(
      Tensor dLogits,
      Tensor dLosses,
      Tensor logits,
      Tensor logSumExp,
      Tensor targets,
      int vocabulary)
      implements Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(dLosses, logits, logSumExp, targets);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dLogits);
    }

    @Override
    public List<Tensor> overwritable() {
      return List.of(logits);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new CrossEntropyBackward(
          f.apply(dLogits),
          f.apply(dLosses),
          f.apply(logits),
          f.apply(logSumExp),
          f.apply(targets),
          vocabulary);
    }

    @Override
    public long flops() {
      return 12 * logits.elements();
    }
  }

  /**
   * The end of a forward pass and the start of its backward pass, for {@code rows} tokens at a
   * time, so that the logits of all tokens, by far the largest activation, are never there at once.
   * With logits = in weightᵀ: losses and logSumExp as in {@link CrossEntropyForward}, dLogits as in
   * {@link CrossEntropyBackward}, dWeight (+)= dLogitsᵀ in, dIn = dLogits weight.
   *
   * <p>Chunks are of tokens and not of the vocabulary, since a softmax needs all of its row: a
   * token's loss and gradient are final within its chunk.
   *
   * <p>in, dIn (B,T,C), weight, dWeight (Vp,C), losses, logSumExp, dLosses, targets (B,T); {@code
   * logits} (rows,Vp) is the room for a chunk, which holds the last dLogits in the end.
   *
   * <p>Source: Hsu and others, "Liger Kernel", 2024, fused linear cross entropy.
   */
  record Classifier(
      Tensor losses,
      Tensor logSumExp,
      Tensor logits,
      Tensor dIn,
      Tensor dWeight,
      Tensor in,
      Tensor weight,
      Tensor targets,
      Tensor dLosses,
      int vocabulary,
      boolean accumulate)
      implements ParameterGradient {
    @Override
    public List<Tensor> reads() {
      return List.of(in, weight, targets, dLosses);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(losses, logSumExp, logits, dIn, dWeight);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new Classifier(
          f.apply(losses),
          f.apply(logSumExp),
          f.apply(logits),
          f.apply(dIn),
          f.apply(dWeight),
          f.apply(in),
          f.apply(weight),
          f.apply(targets),
          f.apply(dLosses),
          vocabulary,
          accumulate);
    }

    @Override
    public ParameterGradient accumulating() {
      return new Classifier(
          losses, logSumExp, logits, dIn, dWeight, in, weight, targets, dLosses, vocabulary, true);
    }

    @Override
    public long flops() {
      return targets.elements() * weight.shape().dim(0) * (6L * weight.shape().dim(1) + 24);
    }
  }

  /** out = the mean of all elements of in; out is a scalar. */
  record MeanForward(Tensor out, Tensor in) implements Forward {
    @Override
    public List<Tensor> reads() {
      return List.of(in);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new MeanForward(f.apply(out), f.apply(in));
    }

    @Override
    public long flops() {
      return in.elements();
    }
  }

  /** dIn = dOut / n for each of the n elements of dIn; dOut is a scalar. */
  record MeanBackward(Tensor dIn, Tensor dOut) implements Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dIn);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new MeanBackward(f.apply(dIn), f.apply(dOut));
    }

    @Override
    public long flops() {
      return dIn.elements();
    }
  }

  /** out = value in every element: the seed of a backward pass. */
  record Fill(Tensor out, float value) implements Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of();
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new Fill(f.apply(out), value);
    }

    @Override
    public long flops() {
      return 0;
    }
  }

  /** norm = sqrt(sum of squares over all elements of all gradients); norm is a scalar. */
  record GlobalNorm(Tensor norm, List<Tensor> gradients) implements Update {
    public GlobalNorm {
      gradients = List.copyOf(gradients);
    }

    @Override
    public List<Tensor> reads() {
      return gradients;
    }

    @Override
    public List<Tensor> writes() {
      return List.of(norm);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new GlobalNorm(f.apply(norm), gradients.stream().map(f).toList());
    }

    @Override
    public long flops() {
      return 2 * gradients.stream().mapToLong(Tensor::elements).sum();
    }
  }

  /**
   * One AdamW step on one parameter, with g = gradient * min(1, maxNorm / norm): m = beta1 m +
   * (1-beta1) g; v = beta2 v + (1-beta2) g^2; parameter -= lr * ((m / c1) / (sqrt(v / c2) +
   * epsilon) + weightDecay * parameter). {@code schedule} holds lr, c1 = 1 - beta1^step and c2 = 1
   * - beta2^step. Changes nothing when norm is not finite, so that a bad batch never reaches the
   * weights. A parameter of 16 bits is rounded stochastically, since most updates are smaller than
   * half of its spacing.
   *
   * <p>Source: Loshchilov, Hutter, "Decoupled Weight Decay Regularization", 2019.
   */
  record AdamW(
      Tensor parameter,
      Tensor m,
      Tensor v,
      Tensor gradient,
      Tensor norm,
      Tensor schedule,
      float beta1,
      float beta2,
      float epsilon,
      float weightDecay,
      float maxNorm,
      Optional<Rounding> rounding)
      implements ParameterUpdate {

    /**
     * The random bits of a parameter's elements, which {@link dev.anneal.random.Philox} gives.
     *
     * @param random three integers: the low and the high half of the seed, and the step
     * @param stream which parameter this is
     */
    public record Rounding(Tensor random, int stream) {}

    public AdamW {
      if (parameter.dtype() != DType.F32 && rounding.isEmpty()) {
        throw new IllegalArgumentException(parameter + " has 16 bits and nothing to round it with");
      }
    }

    /** Of a parameter in fp32. */
    public AdamW(
        Tensor parameter,
        Tensor m,
        Tensor v,
        Tensor gradient,
        Tensor norm,
        Tensor schedule,
        float beta1,
        float beta2,
        float epsilon,
        float weightDecay,
        float maxNorm) {
      this(
          parameter,
          m,
          v,
          gradient,
          norm,
          schedule,
          beta1,
          beta2,
          epsilon,
          weightDecay,
          maxNorm,
          Optional.empty());
    }

    /** The same, rounding a parameter of 16 bits. */
    public AdamW with(Rounding how) {
      return new AdamW(
          parameter,
          m,
          v,
          gradient,
          norm,
          schedule,
          beta1,
          beta2,
          epsilon,
          weightDecay,
          maxNorm,
          Optional.of(how));
    }

    @Override
    public List<Tensor> reads() {
      return join(
          List.of(gradient, norm, schedule, parameter, m, v), rounding.map(Rounding::random));
    }

    @Override
    public List<Tensor> writes() {
      return List.of(parameter, m, v);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new AdamW(
          f.apply(parameter),
          f.apply(m),
          f.apply(v),
          f.apply(gradient),
          f.apply(norm),
          f.apply(schedule),
          beta1,
          beta2,
          epsilon,
          weightDecay,
          maxNorm,
          rounding.map(r -> new Rounding(f.apply(r.random()), r.stream())));
    }

    @Override
    public long flops() {
      return 14 * parameter.elements();
    }
  }

  /** out = in, rounded to the format of out: a {@link WeightCopies copy} of a parameter. */
  record Cast(Tensor out, Tensor in) implements Update {
    @Override
    public List<Tensor> reads() {
      return List.of(in);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new Cast(f.apply(out), f.apply(in));
    }

    @Override
    public long flops() {
      return 0;
    }
  }

  /**
   * out = in / scale with scale = (the largest size of an element of in) / (the largest number of
   * {@code format}), 1 when in is zero, so that out fills the range of its 8 bits; {@code
   * transposed} is the same with rows and columns exchanged. in (..., K) with M rows, out (M, K),
   * transposed (K, M), at least one of which there is; scale is a scalar.
   *
   * @param format of out, which may be stored with more bits to compare with
   */
  record Quantize(
      Optional<Tensor> out, Optional<Tensor> transposed, Tensor scale, Tensor in, DType format)
      implements EightBit {
    @Override
    public List<Tensor> reads() {
      return List.of(in);
    }

    @Override
    public List<Tensor> writes() {
      return Stream.of(out.stream(), transposed.stream(), Stream.of(scale))
          .flatMap(tensors -> tensors)
          .toList();
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new Quantize(out.map(f), transposed.map(f), f.apply(scale), f.apply(in), format);
    }

    @Override
    public long flops() {
      return 2 * in.elements();
    }
  }

  /**
   * out (+)= aScale bScale a bᵀ + bias. a (M,K), b (N,K), bias (N), out (..., N) with M rows; the
   * scales are scalars.
   */
  record ScaledMatmul(
      Tensor out,
      Tensor a,
      Tensor b,
      Tensor aScale,
      Tensor bScale,
      Optional<Tensor> bias,
      boolean accumulate)
      implements EightBit {
    @Override
    public List<Tensor> reads() {
      List<Tensor> operands = join(List.of(a, b, aScale, bScale), bias);
      return accumulate ? join(operands, Optional.of(out)) : operands;
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }

    @Override
    public Op mapTensors(UnaryOperator<Tensor> f) {
      return new ScaledMatmul(
          f.apply(out),
          f.apply(a),
          f.apply(b),
          f.apply(aScale),
          f.apply(bScale),
          bias.map(f),
          accumulate);
    }

    @Override
    public long flops() {
      return 2 * out.elements() * a.shape().dim(-1);
    }
  }

  private static List<Tensor> join(List<Tensor> tensors, Optional<Tensor> more) {
    List<Tensor> all = new ArrayList<>(tensors);
    more.ifPresent(all::add);
    return List.copyOf(all);
  }

  /** All tensors of this op, each once, written ones first. */
  default List<Tensor> tensors() {
    return Stream.concat(writes().stream(), reads().stream()).distinct().toList();
  }
}
