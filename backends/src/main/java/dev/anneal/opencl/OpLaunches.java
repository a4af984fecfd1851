package dev.anneal.opencl;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.failure.Failure;
import dev.anneal.plan.MuonOp;
import dev.anneal.plan.Op;

/** The launches of each op. */
final class OpLaunches {
  private OpLaunches() {}

  static Launches of(Op op, KernelVersions versions) {
    Launches launches = ofKind(op, versions);
    return op instanceof Op.Classifier ? launches : launches.with(Work.of(op));
  }

  private static Launches ofKind(Op op, KernelVersions versions) {
    return switch (op) {
      case Op.EmbeddingForward o -> EmbeddingLaunches.forward(o, versions);
      case Op.TokenEmbeddingBackward o -> EmbeddingLaunches.tokenBackward(o, versions);
      case Op.PositionEmbeddingBackward o -> EmbeddingLaunches.positionBackward(o, versions);
      case Op.LayerNormForward o -> LayerNormLaunches.forward(o, versions);
      case Op.LayerNormBackward o -> LayerNormLaunches.backward(o, versions);
      case Op.MatmulForward o -> MatmulLaunches.forward(o, versions);
      case Op.MatmulBackwardInput o -> MatmulLaunches.backwardInput(o, versions);
      case Op.MatmulBackwardWeight o -> MatmulLaunches.backwardWeight(o, versions);
      case Op.BiasBackward o -> BiasLaunches.backward(o, versions);
      case Op.AttentionForward o -> AttentionLaunches.forward(o, versions);
      case Op.AttentionBackward o -> AttentionLaunches.backward(o, versions);
      case Op.CachedAttention o -> AttentionLaunches.cached(o, versions);
      case Op.Add o -> ElementwiseLaunches.add(o, versions);
      case Op.GeluForward o -> ElementwiseLaunches.gelu(o, versions);
      case Op.GeluBackward o -> ElementwiseLaunches.geluBackward(o, versions);
      case Op.CrossEntropyForward o -> CrossEntropyLaunches.forward(o, versions);
      case Op.CrossEntropyBackward o -> CrossEntropyLaunches.backward(o, versions);
      case Op.Classifier o -> ClassifierLaunches.of(o, versions);
      case Op.MeanForward o -> CrossEntropyLaunches.mean(o, versions);
      case Op.MeanBackward o -> ElementwiseLaunches.meanBackward(o, versions);
      case Op.Fill o -> ElementwiseLaunches.fill(o.out(), o.value(), versions);
      case Op.GlobalNorm o -> OptimizerLaunches.globalNorm(o, versions);
      case Op.EightBit o ->
          throw Failure.usage(
              "opencl has no products of 8 bits; take " + setting("dtype") + " bf16");
      case Op.AdamW o -> OptimizerLaunches.adamW(o, versions);
      case Op.Cast o -> ElementwiseLaunches.cast(o, versions);
      case MuonOp o -> MuonLaunches.of(o, versions);
    };
  }
}
