package dev.anneal.gpu;

import dev.anneal.plan.ClassifierChunks;
import dev.anneal.plan.Op;
import java.util.List;

/** A classifier by the commands of its parts, chunk by chunk, on parts of its tensors. */
final class Classifier {
  private Classifier() {}

  static List<Command> commands(Op.Classifier op, OpContext context) {
    ClassifierChunks chunks = ClassifierChunks.of(op);
    OpContext parts =
        context.at(
            tensor -> {
              ClassifierChunks.Part part = chunks.part(tensor);
              return context.address(part.whole()) + part.bytes();
            });
    return OpCommands.of(chunks.ops(), parts).stream().flatMap(List::stream).toList();
  }
}
