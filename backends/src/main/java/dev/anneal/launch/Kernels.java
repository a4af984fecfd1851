package dev.anneal.launch;

import java.util.List;

/** All kernels of which a user may choose versions, in the order in which they are listed. */
final class Kernels {
  static final List<Kernel<?>> ALL =
      List.of(
          Elementwise.ADD,
          Gelu.FORWARD,
          Gelu.BACKWARD,
          Embedding.FORWARD,
          Embedding.TOKEN_FORWARD,
          Embedding.TOKEN_BACKWARD,
          Embedding.POSITION_BACKWARD,
          LayerNorm.KERNEL,
          LayerNormGradient.KERNEL,
          RmsNorm.FORWARD,
          RmsNorm.BACKWARD,
          Rotary.FORWARD,
          Rotary.BACKWARD,
          SwiGlu.FORWARD,
          SwiGlu.BACKWARD,
          Bias.BACKWARD,
          Matmul.FORWARD,
          Matmul.BACKWARD_INPUT,
          Matmul.BACKWARD_WEIGHT,
          Attention.FORWARD,
          Attention.BACKWARD,
          CachedAttention.KERNEL,
          CrossEntropy.FORWARD,
          CrossEntropy.BACKWARD,
          Elementwise.MEAN,
          Elementwise.MEAN_BACKWARD,
          Elementwise.CONSTANT,
          GlobalNorm.KERNEL,
          AdamW.KERNEL,
          Elementwise.CAST,
          Muon.MOMENTUM,
          Muon.NORMALIZE,
          Muon.WEIGHTED_SUM,
          Muon.UPDATE,
          EightBit.QUANTIZE,
          EightBit.MATMUL,
          Classifier.KERNEL);

  private Kernels() {}
}
