package dev.anneal.launch;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.failure.Failure;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Operand;
import java.util.Locale;

/**
 * Number formats as the kernel files have them: an op's activations, their gradients and its
 * weights are all in the one format that its file is compiled for; all else is as the op's record
 * says, fp32 or integers.
 */
public final class OpFormats {
  private OpFormats() {}

  /**
   * The format that the op's kernels are compiled for.
   *
   * @throws Failure when the op mixes formats in a way that no kernel knows
   */
  public static DType real(Op op) {
    DType real = stored(op);
    for (Operand operand : op.operands()) {
      DType actual = operand.tensor().dtype();
      DType expected = expected(operand, real);
      if (actual != expected) {
        throw Failure.usage(
            op.kind()
                + " has "
                + operand.tensor()
                + " in "
                + name(actual)
                + " where its kernels take "
                + name(expected)
                + "; take "
                + setting("dtype")
                + " fp32");
      }
    }
    return real;
  }

  /** The format of the first of the tensors that are stored in the activations' one. */
  static DType stored(Op op) {
    return op.operands().stream()
        .filter(operand -> operand.format() == Operand.Format.STORED)
        .map(operand -> operand.tensor().dtype())
        .findFirst()
        .orElse(DType.F32);
  }

  private static DType expected(Operand operand, DType real) {
    DType actual = operand.tensor().dtype();
    return switch (operand.format()) {
      case STORED -> real;
      case FP32 -> DType.F32;
      case INTEGERS -> DType.I32;
      case EIGHT_BITS -> actual.bytes() == 1 ? actual : DType.F32;
      case MASTER -> actual == real ? real : DType.F32;
    };
  }

  private static String name(DType dtype) {
    return dtype.name().toLowerCase(Locale.ROOT);
  }
}
