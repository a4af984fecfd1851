package dev.anneal.model;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.failure.Failure;
import java.util.Collections;
import java.util.SequencedMap;
import java.util.TreeMap;

/** All that makes one model of a family what it is, but for its weights. It makes the model. */
public sealed interface ModelConfig permits Gpt2.Config, LlamaConfig, ModelConfig.Own {

  /**
   * The configuration of a model that Anneal does not come with. It trains as the others do; what
   * is saved of it can be read again only by a program that has it.
   */
  non-sealed interface Own extends ModelConfig {}

  ModelFamily family();

  Sizes sizes();

  /** The model, without weights. */
  Model model();

  /** The same of other sizes; numbers of the family's own that depend on them follow. */
  ModelConfig resized(Sizes sizes);

  /**
   * How many numbers the model has, with the padded vocabulary: by arithmetic alone, in floating
   * point, which no size overflows.
   */
  double parameters();

  /** Numbers that only this family has, by the names that a saved run gives them. */
  default SequencedMap<String, Double> details() {
    return Collections.unmodifiableSequencedMap(new TreeMap<>());
  }

  default int layers() {
    return sizes().layers();
  }

  default int heads() {
    return sizes().heads();
  }

  default int channels() {
    return sizes().channels();
  }

  default int context() {
    return sizes().context();
  }

  default int vocabulary() {
    return sizes().vocabulary();
  }

  default int paddedVocabulary() {
    return sizes().paddedVocabulary();
  }

  /**
   * Refuses a sequence that is longer than the model's context.
   *
   * @throws Failure saying what to change
   */
  default void requireFits(int sequence) {
    if (sequence > context()) {
      throw Failure.usage(
          setting("seq")
              + " is "
              + sequence
              + ", longer than the model's context of "
              + context()
              + "; lower "
              + setting("seq")
              + " or raise "
              + setting("context"));
    }
  }
}
