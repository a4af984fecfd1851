package dev.anneal.launch;

import dev.anneal.plan.ClassifierChunks;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.stream.Stream;

/** A classifier by the commands of its parts, chunk by chunk, on parts of its tensors. */
final class Classifier {
  static final Kernel<Op.Classifier> KERNEL =
      new Kernel<>(
          "classifier",
          Op.Classifier.class,
          List.of(Version.of("chunk by chunk", Classifier::commands)),
          List.of(Version.of("chunk by chunk", Classifier::launches)));

  private Classifier() {}

  private static List<Command> commands(Op.Classifier op, CudaContext context) {
    ClassifierChunks chunks = ClassifierChunks.of(op);
    return OpLaunches.groups(chunks.ops(), context.parts(chunks)).stream()
        .flatMap(group -> group.commands().stream())
        .map(command -> command.at(place -> whole(place, chunks)))
        .toList();
  }

  private static List<Command> launches(Op.Classifier op, OpenClContext context) {
    ClassifierChunks chunks = ClassifierChunks.of(op);
    return chunks.ops().stream()
        .flatMap(each -> part(each, context))
        .map(command -> command.at(place -> whole(place, chunks)))
        .toList();
  }

  /** Each part has work of its own, and scratch for as long as it runs. */
  private static Stream<Command> part(Op op, OpenClContext context) {
    context.workspace().nextPart();
    return OpLaunches.of(op, context).stream();
  }

  /** The same place, of a tensor that is none of the chunks'. */
  private static Place whole(Place place, ClassifierChunks chunks) {
    return switch (place) {
      case Place.Data(Tensor tensor, long first) -> {
        ClassifierChunks.Part part = chunks.part(tensor);
        yield new Place.Data(part.whole(), part.first() + first);
      }
      case Place.Activations(Tensor tensor, long first) -> {
        ClassifierChunks.Part part = chunks.part(tensor);
        yield new Place.Activations(part.whole(), part.first() + first);
      }
      case Place.Table(List<Place.Word> words) ->
          new Place.Table(words.stream().map(word -> whole(word, chunks)).toList());
      case Place.ArenaOf same -> same;
      case Place.Tiles same -> same;
      case Place.Scratch same -> same;
      case Place.At same -> same;
    };
  }

  private static Place.Word whole(Place.Word word, ClassifierChunks chunks) {
    return word instanceof Place.Address(Place place)
        ? new Place.Address(whole(place, chunks))
        : word;
  }
}
