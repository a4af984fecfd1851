package dev.anneal.eval.selftest;

import dev.anneal.device.Device;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.DType;
import dev.anneal.plan.EightBitProducts;
import dev.anneal.plan.Multiplication;
import dev.anneal.plan.Op;
import dev.anneal.plan.Precision;
import java.util.Optional;

/**
 * How a device stores the tensors of ops at a precision. Ops that are the same at another one,
 * which has checks of its own, are left out.
 */
final class OpStorage {
  private final Precision precision;
  private final Optional<DType> copies;
  private final Optional<EightBitProducts> eightBits;

  private OpStorage(
      Precision precision, Optional<DType> copies, Optional<EightBitProducts> eightBits) {
    this.precision = precision;
    this.copies = copies;
    this.eightBits = eightBits;
  }

  static OpStorage of(Device device, Precision precision) {
    return new OpStorage(precision, device.weightCopies(precision), device.eightBits(precision));
  }

  /** The run with its tensors stored so; empty where another precision checks the same. */
  Optional<OpRun> of(OpRun run) {
    boolean ofEightBits = run.op() instanceof Op.EightBit;
    if (ofEightBits || eightBits.isPresent()) {
      return ofEightBits
          ? eightBits.map(e -> copied(run.eightBits(e.values(), e.gradients())).stored(precision))
          : Optional.empty();
    }
    return switch (precision) {
      case FP32 -> Optional.of(run);
      case TF32 ->
          run.ops().stream().anyMatch(op -> op.arithmetic().takesTf32())
              ? Optional.of(run.multiplying(Multiplication.TF32))
              : Optional.empty();
      // Decoding is in fp32 as long as parameters are.
      case BF16, FP16 ->
          run.op() instanceof Op.CachedAttention
              ? Optional.empty()
              : having(precision.storage(), copied(run).stored(precision));
      // All other ops read 16 bits in either case.
      case PURE_BF16 ->
          run.op() instanceof Op.CachedAttention || run.op() instanceof Op.ParameterUpdate
              ? having(precision.storage(), run.stored(precision))
              : Optional.empty();
      case FP8, FP8_HYBRID -> Optional.empty();
    };
  }

  private OpRun copied(OpRun run) {
    return copies.map(run::copied).orElse(run);
  }

  private static Optional<OpRun> having(DType dtype, OpRun run) {
    boolean has =
        run.ops().stream()
            .flatMap(op -> op.tensors().stream())
            .anyMatch(tensor -> tensor.dtype() == dtype);
    return has ? Optional.of(run) : Optional.empty();
  }
}
