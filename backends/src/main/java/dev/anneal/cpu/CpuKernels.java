package dev.anneal.cpu;

import dev.anneal.plan.MuonOp;
import dev.anneal.plan.Op;

/** The CPU's kernel for each op. */
final class CpuKernels {
  private CpuKernels() {}

  static Kernel of(Op op, Kernel.Addresses at) {
    return switch (op) {
      case Op.EmbeddingForward o -> Embedding.forward(o, at);
      case Op.TokenEmbeddingForward o -> Embedding.tokenForward(o, at);
      case Op.TokenEmbeddingBackward o -> Embedding.tokenBackward(o, at);
      case Op.PositionEmbeddingBackward o -> Embedding.positionBackward(o, at);
      case Op.LayerNormForward o -> LayerNorm.forward(o, at);
      case Op.LayerNormBackward o -> LayerNorm.backward(o, at);
      case Op.RmsNormForward o -> RmsNorm.forward(o, at);
      case Op.RmsNormBackward o -> RmsNorm.backward(o, at);
      case Op.RotaryForward o -> Rotary.forward(o, at);
      case Op.RotaryBackward o -> Rotary.backward(o, at);
      case Op.SwiGluForward o -> SwiGlu.forward(o, at);
      case Op.SwiGluBackward o -> SwiGlu.backward(o, at);
      case Op.MatmulForward o -> Matmul.forward(o, at);
      case Op.MatmulBackwardInput o -> Matmul.backwardInput(o, at);
      case Op.MatmulBackwardWeight o -> Matmul.backwardWeight(o, at);
      case Op.BiasBackward o -> Matmul.bias(o, at);
      case Op.AttentionForward o -> Attention.forward(o, at);
      case Op.AttentionBackward o -> Attention.backward(o, at);
      case Op.CachedAttention o -> Attention.cached(o, at);
      case Op.Add o -> Elementwise.add(o, at);
      case Op.GeluForward o -> Elementwise.gelu(o, at);
      case Op.GeluBackward o -> Elementwise.geluBackward(o, at);
      case Op.CrossEntropyForward o -> CrossEntropy.forward(o, at);
      case Op.CrossEntropyBackward o -> CrossEntropy.backward(o, at);
      case Op.Classifier o -> Classifier.kernel(o, at);
      case Op.MeanForward o -> CrossEntropy.mean(o, at);
      case Op.MeanBackward o -> CrossEntropy.meanBackward(o, at);
      case Op.Fill o -> Fill.kernel(o, at);
      case Op.GlobalNorm o -> Optimizer.globalNorm(o, at);
      case Op.Quantize o -> EightBit.quantize(o, at);
      case Op.ScaledMatmul o -> EightBit.matmul(o, at);
      case Op.AdamW o -> Optimizer.adamW(o, at);
      case Op.Cast o -> Optimizer.cast(o, at);
      case MuonOp o -> Muon.kernel(o, at);
    };
  }
}
