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
 * set adds to its gradients, and optimizers and {@link AttentionOps.CachedAttention} update state
 * in place.
 *
 * <p>The records stand in a file per layer, whose names {@code Op} inherits: wherever one is used
 * it is {@code Op.MatmulForward}.
 *
 * <p>Models emit {@link Forward} ops only; {@link Backward} derives the rest.
 */
public sealed interface Op
    extends EmbeddingOps,
        LayerNormOps,
        MatmulOps,
        AttentionOps,
        GeluOps,
        ResidualOps,
        ClassifierOps,
        LossOps,
        FormatOps,
        OptimizerOps
    permits Op.Forward, Op.Gradient, Op.EightBit, Op.Update {

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
  sealed interface Forward extends Op
      permits EmbeddingForward,
          LayerNormForward,
          MatmulForward,
          AttentionForward,
          CachedAttention,
          Add,
          GeluForward,
          CrossEntropyForward,
          MeanForward {}

  /** An op of the derived backward pass. */
  sealed interface Gradient extends Op
      permits ParameterGradient,
          MatmulBackwardInput,
          AttentionBackward,
          Add,
          GeluBackward,
          CrossEntropyBackward,
          MeanBackward,
          Fill {}

  /** An op that adds to parameter gradients when {@code accumulate} is set. */
  sealed interface ParameterGradient extends Gradient
      permits TokenEmbeddingBackward,
          PositionEmbeddingBackward,
          LayerNormBackward,
          MatmulBackwardWeight,
          BiasBackward,
          Classifier {
    boolean accumulate();

    ParameterGradient accumulating();
  }

  /** An op of products of 8 bits, which {@link EightBitProducts} puts into a plan. */
  sealed interface EightBit extends Op permits Quantize, ScaledMatmul {}

  /** An op of the optimizer. */
  sealed interface Update extends Op permits GlobalNorm, Cast, ParameterUpdate, MuonOp {}

  /** An op that gives a parameter its new value. */
  sealed interface ParameterUpdate extends Update permits AdamW, MuonOp.MuonUpdate {
    Tensor parameter();
  }

  /** {@code tensors} and, last, the one that there may be. */
  static List<Tensor> join(List<Tensor> tensors, Optional<Tensor> more) {
    List<Tensor> all = new ArrayList<>(tensors);
    more.ifPresent(all::add);
    return List.copyOf(all);
  }

  /** All tensors of this op, each once, written ones first. */
  default List<Tensor> tensors() {
    return Stream.concat(writes().stream(), reads().stream()).distinct().toList();
  }
}
