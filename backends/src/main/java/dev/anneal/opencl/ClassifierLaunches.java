package dev.anneal.opencl;

import dev.anneal.plan.ClassifierChunks;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.List;

/** Launches of a classifier: those of its parts, chunk by chunk, on parts of its tensors. */
final class ClassifierLaunches {
  private ClassifierLaunches() {}

  static Launches of(Op.Classifier op, KernelVersions versions) {
    ClassifierChunks chunks = ClassifierChunks.of(op);
    List<Launches> all = chunks.ops().stream().map(each -> OpLaunches.of(each, versions)).toList();
    return new Launches(
        all.stream()
            .flatMap(launches -> launches.list().stream())
            .map(launch -> placed(launch, chunks))
            .toList(),
        all.stream().mapToLong(Launches::workspaceFloats).max().orElse(0));
  }

  private static Launch placed(Launch launch, ClassifierChunks chunks) {
    return new Launch(
        launch.source(),
        launch.kernel(),
        launch.grid(),
        launch.arguments().stream().map(argument -> placed(argument, chunks)).toList(),
        launch.work());
  }

  private static Argument placed(Argument argument, ClassifierChunks chunks) {
    return switch (argument) {
      case Argument.Data(Tensor tensor, long first) -> {
        ClassifierChunks.Part part = chunks.part(tensor);
        yield new Argument.Data(part.whole(), part.first() + first);
      }
      case Argument.Activations(Tensor tensor, long first) -> {
        ClassifierChunks.Part part = chunks.part(tensor);
        yield new Argument.Activations(part.whole(), part.first() + first);
      }
      default -> argument;
    };
  }
}
