package dev.anneal.plan;

import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * One step of a plan: which tensors it reads and writes, and the constants it needs. A device
 * implements an exhaustive {@code switch} over these records; nothing else has to know how. All
 * other facts of an op are on its record: {@link Operand marks} of its tensors, with shapes that
 * its constructor checks, its arithmetic, its FLOPs and its gradient.
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
        RmsNormOps,
        RotaryOps,
        SwiGluOps,
        MatmulOps,
        AttentionOps,
        GeluOps,
        ResidualOps,
        ClassifierOps,
        LossOps,
        FormatOps,
        OptimizerOps
    permits Op.Forward,
        Op.Gradient,
        Op.EightBit,
        Op.Update,
        Op.Product,
        AttentionOps.WithHeads,
        RotaryOps.Grouped {

  /** The tensors of this op, in the order of its components, and what its record says of each. */
  default List<Operand> operands() {
    return Operands.of(getClass()).list(this);
  }

  /** The tensors whose values this op uses; those that it updates come last. */
  default List<Tensor> reads() {
    return read(this);
  }

  /** The tensors that {@code op} reads by what its components say. */
  static List<Tensor> read(Op op) {
    List<Operand> all = op.operands();
    return Stream.of(Operand.Access.READ, Operand.Access.UPDATED)
        .flatMap(access -> all.stream().filter(operand -> operand.access() == access))
        .map(Operand::tensor)
        .toList();
  }

  /** The tensors this op gives values to; the first is its main result. */
  default List<Tensor> writes() {
    return operands().stream()
        .filter(operand -> operand.access() != Operand.Access.READ)
        .map(Operand::tensor)
        .toList();
  }

  /** All tensors of this op, each once, written ones first. */
  default List<Tensor> tensors() {
    return Stream.concat(writes().stream(), reads().stream()).distinct().toList();
  }

  /** The read tensors whose memory the main result may take over when they are not read again. */
  default List<Tensor> overwritable() {
    return operands().stream().filter(Operand::overwritable).map(Operand::tensor).toList();
  }

  /** This op with every tensor replaced by its image; {@code f} keeps shapes and dtypes. */
  default Op mapTensors(UnaryOperator<Tensor> f) {
    return (Op) Operands.of(getClass()).map(this, f);
  }

  /** Arithmetic this op does, a multiplication and an addition counting two. */
  long flops();

  /** How it comes to its results. */
  Arithmetic arithmetic();

  /** Bytes that this op must move at least: what it reads, and what it writes. */
  default long bytes() {
    return Stream.concat(reads().stream(), writes().stream()).mapToLong(Tensor::bytes).sum();
  }

  /** Bytes of {@code tensor}, one of its own, that this op has to do with: all, or a part. */
  default long touchedBytes(Tensor tensor) {
    return tensor.bytes();
  }

  /** The op's name in tables and timings, e.g. {@code MatmulForward}. */
  default String kind() {
    return getClass().getSimpleName();
  }

  /** An op that a model emits. */
  sealed interface Forward extends Op
      permits EmbeddingForward,
          TokenEmbeddingForward,
          LayerNormForward,
          RmsNormForward,
          RotaryForward,
          SwiGluForward,
          MatmulForward,
          AttentionForward,
          CachedAttention,
          Add,
          GeluForward,
          CrossEntropyForward,
          MeanForward {

    /**
     * Adds the ops of this op's gradient to {@code backward}, into which those of all ops that read
     * its results have gone.
     *
     * @throws IllegalArgumentException when there is none
     */
    void differentiate(Backward backward);
  }

  /** One of the three products of a linear layer. */
  sealed interface Product extends Op
      permits MatmulForward, MatmulBackwardInput, MatmulBackwardWeight {}

  /** An op of the derived backward pass. */
  sealed interface Gradient extends Op
      permits ParameterGradient,
          MatmulBackwardInput,
          AttentionBackward,
          RotaryBackward,
          SwiGluBackward,
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
          RmsNormBackward,
          MatmulBackwardWeight,
          BiasBackward,
          Classifier {
    boolean accumulate();

    /** This op, adding. */
    default ParameterGradient accumulating() {
      return (ParameterGradient) Operands.of(getClass()).with(this, "accumulate", true);
    }
  }

  /** An op of products of 8 bits, which {@link EightBitProducts} puts into a plan. */
  sealed interface EightBit extends Op permits Quantize, ScaledMatmul {}

  /** An op of the optimizer. */
  sealed interface Update extends Op permits GlobalNorm, Cast, ParameterUpdate, MuonOp {}

  /** An op that gives a parameter its new value. */
  sealed interface ParameterUpdate extends Update permits AdamW, MuonOp.MuonUpdate {
    Tensor parameter();
  }
}
