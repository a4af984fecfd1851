package dev.anneal.gpu;

import dev.anneal.plan.ClassifierChunks;
import dev.anneal.plan.Op;
import java.util.List;

/** A classifier by the commands of its parts, chunk by chunk, on parts of its tensors. */
final class Classifier {
  private Classifier() {}

  static List<Command> commands(Op.Classifier op, OpContext context) {
    return groups(op, context).stream().flatMap(group -> group.commands().stream()).toList();
  }

  /** The same by part. */
  static List<OpCommands.Group> groups(Op.Classifier op, OpContext context) {
    ClassifierChunks chunks = ClassifierChunks.of(op);
    return OpCommands.groups(chunks.ops(), parts(chunks, context));
  }

  /** For tensors that are parts of others. */
  static OpContext parts(ClassifierChunks chunks, OpContext context) {
    return context.at(
        tensor -> {
          ClassifierChunks.Part part = chunks.part(tensor);
          return context.address(part.whole()) + part.bytes();
        });
  }
}
