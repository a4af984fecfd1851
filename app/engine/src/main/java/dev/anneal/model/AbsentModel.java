package dev.anneal.model;

import dev.anneal.failure.Failure;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;

/**
 * What a saved run tells of a model whose code is a program's own: enough to list the run, and to
 * make the model again where its code is, by {@link #madeBy}. All else is refused.
 *
 * @param name of its family
 * @param details as {@link ModelConfig#details}
 */
public record AbsentModel(String name, Sizes sizes, SequencedMap<String, Double> details)
    implements ModelConfig.Own {

  public AbsentModel(String name, Sizes sizes, Map<String, Double> details) {
    this(name, sizes, Collections.unmodifiableSequencedMap(new TreeMap<>(details)));
  }

  /** The model's configuration with its code. */
  public ModelConfig madeBy(ModelFamily family) {
    return family.maker().of(sizes, details);
  }

  @Override
  public ModelFamily family() {
    return new ModelFamily(
        name, List.of(), (other, numbers) -> new AbsentModel(name, other, numbers));
  }

  @Override
  public Model model() {
    throw missing();
  }

  @Override
  public ModelConfig resized(Sizes other) {
    throw missing();
  }

  @Override
  public double parameters() {
    throw missing();
  }

  private Failure missing() {
    return Failure.failed(
        "the model of this run is of the family "
            + name
            + ", which is none of Anneal's ("
            + String.join(", ", Models.FAMILIES.stream().map(ModelFamily::name).toList())
            + ") but a program's own; load it from that program: Anneal.load(run, device, family)");
  }
}
