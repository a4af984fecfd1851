package dev.anneal.plan;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * How activations and their gradients are stored between ops; every op sums in fp32. What few
 * numbers summarise many (means, rstd, log-sum-exp, losses, norms) stays fp32, and so does all that
 * outlives a step: gradients of parameters, moments, and but for {@link #PURE_BF16} the parameters.
 * A device that multiplies in 16 bits reads {@link WeightCopies} of the parameters. Half the memory
 * and half the traffic of the activations. Source: Micikevicius and others, "Mixed Precision
 * Training", 2018.
 */
public enum Precision implements Rewrite {
  FP32(DType.F32, 1, Multiplication.EXACT, DType.F32),
  /** All is stored in fp32; products of matrices are less exact. */
  TF32(DType.F32, 1, Multiplication.TF32, DType.F32),
  BF16(DType.BF16, 1, Multiplication.EXACT, DType.F32),
  /** The parameters themselves have 16 bits, too, and no fp32 masters; AdamW rounds them. */
  PURE_BF16(DType.BF16, 1, Multiplication.EXACT, DType.BF16),
  /**
   * As {@link #BF16}, but the products of the blocks' linear layers have operands of 8 bits, E4M3.
   */
  FP8(DType.BF16, 1, Multiplication.EXACT, DType.F32),
  /** As {@link #FP8}, with gradients in E5M2. */
  FP8_HYBRID(DType.BF16, 1, Multiplication.EXACT, DType.F32),
  /** Small gradients are lost below 6e-8, so all gradients are this many times as large. */
  FP16(DType.F16, 4096, Multiplication.EXACT, DType.F32);

  private final DType storage;
  private final float lossScale;
  private final Multiplication multiplication;
  private final DType parameters;

  Precision(DType storage, float lossScale, Multiplication multiplication, DType parameters) {
    this.storage = storage;
    this.lossScale = lossScale;
    this.multiplication = multiplication;
    this.parameters = parameters;
  }

  /** The rewrite that makes products of 8 bits; empty for formats without them. */
  public Optional<EightBitProducts> eightBits() {
    return switch (this) {
      case FP8 -> Optional.of(new EightBitProducts(DType.F8E4M3, DType.F8E4M3, true));
      case FP8_HYBRID -> Optional.of(new EightBitProducts(DType.F8E4M3, DType.F8E5M2, true));
      case FP32, TF32, BF16, PURE_BF16, FP16 -> Optional.empty();
    };
  }

  /** The format of parameters, which are masters where {@link #storage} has fewer bits. */
  public DType parameters() {
    return parameters;
  }

  /** How exactly matrices of fp32 are multiplied. */
  public Multiplication multiplication() {
    return multiplication;
  }

  /** The format in which activations and their gradients are stored. */
  public DType storage() {
    return storage;
  }

  /**
   * What the loss is multiplied with before the backward pass. AdamW's update does not change when
   * its epsilon and its largest norm are multiplied, too.
   */
  public float lossScale() {
    return lossScale;
  }

  @Override
  public List<Op> apply(List<Op> ops) {
    if (storage == DType.F32) {
      return ops;
    }
    Set<Tensor> summaries = new HashSet<>();
    for (Op op : ops) {
      for (Operand operand : op.operands()) {
        if (operand.format() == Operand.Format.FP32) {
          summaries.add(operand.tensor());
        }
      }
    }
    return ops.stream()
        .map(op -> op.mapTensors(tensor -> summaries.contains(tensor) ? tensor : stored(tensor)))
        .toList();
  }

  /** A tensor as it is stored; also for those that are read after a plan. */
  public Tensor stored(Tensor tensor) {
    DType dtype =
        switch (tensor.arena()) {
          case ACTIVATIONS -> storage;
          // Decoding is in fp32 as long as parameters are.
          case PARAMETERS, KV_CACHE -> parameters;
          case WEIGHTS, GRADIENTS, OPTIMIZER, INPUTS -> tensor.dtype();
        };
    return tensor.dtype() == DType.F32 ? tensor.as(dtype) : tensor;
  }
}
