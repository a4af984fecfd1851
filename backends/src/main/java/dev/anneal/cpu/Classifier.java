package dev.anneal.cpu;

import dev.anneal.plan.ClassifierChunks;
import dev.anneal.plan.Op;
import java.util.List;

/**
 * Logits, their losses and all gradients, chunk by chunk, by the kernels that do each alone. With
 * chunks of a multiple of {@link Tile#DEPTH} tokens dWeight is added up in the same order as
 * without chunks, so that all results have the same bits.
 */
final class Classifier {
  private Classifier() {}

  static Kernel kernel(Op.Classifier op, Kernel.Addresses at) {
    ClassifierChunks chunks = ClassifierChunks.of(op);
    Kernel.Addresses parts =
        tensor -> {
          ClassifierChunks.Part part = chunks.part(tensor);
          return at.of(part.whole()) + part.bytes();
        };
    List<Kernel> kernels = chunks.ops().stream().map(each -> CpuKernels.of(each, parts)).toList();
    return new Kernel(
        kernels.stream().flatMap(kernel -> kernel.phases().stream()).toList(),
        kernels.stream().map(Kernel::scratch).reduce(Kernel.Scratch.NONE, Kernel.Scratch::max));
  }
}
