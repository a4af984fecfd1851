package dev.anneal.model;

import java.util.List;
import java.util.Map;

/**
 * Models that differ in numbers alone.
 *
 * @param name as saved runs have it
 * @param presets its models that have a name
 * @param maker of its configurations
 */
public record ModelFamily(String name, List<Preset> presets, Maker maker) {

  /**
   * A model with a name.
   *
   * @param name as {@code --model} takes it
   */
  public record Preset(String name, ModelConfig config) {}

  /** Makes configurations of sizes and of the family's own numbers. */
  @FunctionalInterface
  public interface Maker {
    /**
     * @param details as {@link ModelConfig#details}; those that are not there are as usual
     * @throws dev.anneal.failure.Failure when they do not go together
     */
    ModelConfig of(Sizes sizes, Map<String, Double> details);
  }

  public ModelFamily {
    presets = List.copyOf(presets);
  }

  /** Its model of these sizes, and otherwise as usual. */
  public ModelConfig config(Sizes sizes) {
    return maker.of(sizes, Map.of());
  }
}
