package dev.anneal.launch;

import dev.anneal.device.Suits.Feature;
import java.util.EnumSet;
import java.util.OptionalInt;
import java.util.Set;

/**
 * A kernel file, and what of it is wanted.
 *
 * @param name as the module with the sources has it, e.g. {@code layernorm.cu} or {@code layernorm}
 * @param headSize that it is compiled for
 * @param needs what of a device it is compiled for
 */
public record KernelFile(String name, OptionalInt headSize, Set<Feature> needs) {
  public KernelFile {
    needs = Set.copyOf(needs);
  }

  public static KernelFile of(String name) {
    return new KernelFile(name, OptionalInt.empty(), Set.of());
  }

  /** For heads of {@code size} channels. */
  public KernelFile ofHeads(int size) {
    return new KernelFile(name, OptionalInt.of(size), needs);
  }

  public KernelFile needing(Feature feature) {
    Set<Feature> all = EnumSet.of(feature);
    all.addAll(needs);
    return new KernelFile(name, headSize, all);
  }
}
