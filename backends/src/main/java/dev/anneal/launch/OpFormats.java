package dev.anneal.launch;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.failure.Failure;
import dev.anneal.plan.DType;
import dev.anneal.plan.MuonOp;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Number formats as the kernel files have them: an op's activations, their gradients and its
 * weights are all in the one format that its file is compiled for; all else is fp32 or integers.
 */
public final class OpFormats {
  private OpFormats() {}

  /**
   * The format that the op's kernels are compiled for.
   *
   * @throws Failure when the op mixes formats in a way that no kernel knows
   */
  public static DType real(Op op) {
    List<Tensor> stored = tensors(op);
    DType real = stored(op);
    for (Tensor tensor : op.tensors()) {
      if (op instanceof Op.EightBit && tensor.dtype().bytes() == 1) {
        continue;
      }
      boolean integers = tensor.dtype() == DType.I32 && !stored.contains(tensor);
      DType expected = stored.contains(tensor) ? real : DType.F32;
      if (tensor.dtype() != expected && !integers) {
        throw Failure.usage(
            op.kind()
                + " has "
                + tensor
                + " in "
                + name(tensor.dtype())
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
    List<Tensor> stored = tensors(op);
    return stored.isEmpty() ? DType.F32 : stored.getFirst().dtype();
  }

  private static String name(DType dtype) {
    return dtype.name().toLowerCase(Locale.ROOT);
  }

  private static List<Tensor> tensors(Op op) {
    return switch (op) {
      case Op.EmbeddingForward o -> List.of(o.out(), o.wte(), o.wpe());
      case Op.TokenEmbeddingBackward o -> List.of(o.dOut());
      case Op.PositionEmbeddingBackward o -> List.of(o.dOut());
      case Op.LayerNormForward o -> List.of(o.out(), o.in(), o.weight(), o.bias());
      case Op.LayerNormBackward o ->
          and(List.of(o.dIn(), o.dOut(), o.in(), o.weight()), o.residual());
      case Op.MatmulForward o -> and(List.of(o.out(), o.in(), o.weight()), o.bias());
      case Op.MatmulBackwardInput o -> List.of(o.dIn(), o.dOut(), o.weight());
      case Op.MatmulBackwardWeight o -> List.of(o.dOut(), o.in());
      case Op.BiasBackward o -> List.of(o.dOut());
      case Op.AttentionForward o -> List.of(o.out(), o.qkv());
      case Op.AttentionBackward o -> List.of(o.dQkv(), o.dOut(), o.qkv(), o.out());
      case Op.CachedAttention o -> List.of(o.out(), o.keyCache(), o.valueCache(), o.qkv());
      case Op.Add o -> List.of(o.out(), o.a(), o.b());
      case Op.GeluForward o -> List.of(o.out(), o.in());
      case Op.GeluBackward o -> List.of(o.dIn(), o.dOut(), o.in());
      case Op.CrossEntropyForward o -> List.of(o.logits());
      case Op.CrossEntropyBackward o -> List.of(o.dLogits(), o.logits());
      case Op.Classifier o -> List.of(o.logits(), o.dIn(), o.in(), o.weight());
      case Op.MeanForward o -> List.of();
      case Op.MeanBackward o -> List.of();
      case Op.Fill o -> List.of();
      case Op.GlobalNorm o -> List.of();
      case Op.Quantize o -> List.of(o.in());
      case Op.ScaledMatmul o -> and(List.of(o.out()), o.bias());
      case Op.AdamW o -> List.of(o.parameter());
      case Op.Cast o -> List.of(o.out());
      case MuonOp.MuonMomentum o -> List.of();
      case MuonOp.Normalize o -> List.of(o.out());
      case MuonOp.WeightedSum o -> List.of(o.out(), o.a(), o.b());
      case MuonOp.MuonUpdate o ->
          o.parameter().dtype() == DType.F32
              ? List.of(o.direction())
              : List.of(o.direction(), o.parameter());
    };
  }

  private static List<Tensor> and(List<Tensor> tensors, Optional<Tensor> more) {
    List<Tensor> all = new ArrayList<>(tensors);
    more.ifPresent(all::add);
    return all;
  }
}
