package dev.anneal.huggingface;

import dev.anneal.failure.Failure;
import dev.anneal.model.ModelConfig;
import java.util.List;
import java.util.Optional;

/**
 * How the folders of one family of models say what the model is, and what they call its tensors.
 */
interface HubFamily {
  /** All that are known. */
  List<HubFamily> ALL = List.of(new HubGpt2(), new HubLlama());

  /**
   * A parameter and its tensors in a folder.
   *
   * @param ours the parameter's name
   * @param theirs the tensors that are its rows, in order
   */
  record Name(String ours, List<Part> theirs) {
    public Name {
      theirs = List.copyOf(theirs);
    }

    /** A parameter that is one tensor. */
    static Name of(String ours, String theirs, boolean transposed, List<Long> shape) {
      return new Name(ours, List.of(new Part(theirs, transposed, shape)));
    }
  }

  /**
   * A tensor in a folder.
   *
   * @param name without the prefix
   * @param transposed whether it is (in, out) where the parameter is (out, in)
   * @param shape in the folder, where the vocabulary is not padded
   */
  record Part(String name, boolean transposed, List<Long> shape) {
    public Part {
      shape = List.copyOf(shape);
    }

    long elements() {
      return shape.stream().reduce(1L, Math::multiplyExact);
    }
  }

  /** {@code model_type} in {@code config.json}. */
  String type();

  /** What some folders have before the tensors' names, and others have not. */
  String prefix();

  /** Which tensor is the embedding that the head is tied to, or would be. */
  String embedding();

  /**
   * The model that a configuration describes.
   *
   * @throws Failure naming the field that is missing, or not as any model here
   */
  ModelConfig model(HubJson config);

  /** Every parameter, in the folders' order. */
  List<Name> names(ModelConfig model);

  /**
   * Whether a tensor of this name, without prefix, is no parameter and may be there all the same.
   */
  boolean isBuffer(String name);

  /**
   * The family that a configuration names.
   *
   * @throws Failure when it is none of those
   */
  static HubFamily of(HubJson config) {
    Optional<String> type = config.text("model_type");
    List<String> known = ALL.stream().map(HubFamily::type).toList();
    return ALL.stream()
        .filter(family -> type.filter(family.type()::equals).isPresent())
        .findFirst()
        .orElseThrow(() -> config.bad("model_type", "one of " + String.join(", ", known)));
  }
}
