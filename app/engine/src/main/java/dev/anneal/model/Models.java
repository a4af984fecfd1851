package dev.anneal.model;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.failure.Failure;
import dev.anneal.model.ModelFamily.Preset;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The models that Anneal comes with: a family is a line here and a file beside it. */
public final class Models {
  /** All families. */
  public static final List<ModelFamily> FAMILIES = List.of(Gpt2.FAMILY, Llama.FAMILY);

  /** What is meant where no family is named. */
  public static final ModelFamily DEFAULT = Gpt2.FAMILY;

  private Models() {}

  private static Stream<Preset> presets() {
    return FAMILIES.stream().flatMap(family -> family.presets().stream());
  }

  /** Of all models that have one. */
  public static List<String> names() {
    return presets().map(Preset::name).toList();
  }

  /**
   * The model of this name, whatever the case.
   *
   * @throws Failure when there is none; it lists those there are
   */
  public static ModelConfig named(String name) {
    return presets()
        .filter(preset -> preset.name().equalsIgnoreCase(name))
        .findFirst()
        .map(Preset::config)
        .orElseThrow(
            () ->
                Failure.usage(
                    "no model is named "
                        + name
                        + "; there are "
                        + String.join(", ", names())
                        + ", or give "
                        + setting("layers")
                        + ", "
                        + setting("heads")
                        + " and "
                        + setting("channels")));
  }

  /** The family that a saved run names so. */
  public static Optional<ModelFamily> family(String name) {
    return FAMILIES.stream().filter(family -> family.name().equals(name)).findFirst();
  }
}
