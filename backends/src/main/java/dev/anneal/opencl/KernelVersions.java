package dev.anneal.opencl;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.KernelFamily;
import dev.anneal.failure.Failure;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Which version of each kernel of {@link KernelCatalog} is used on a device. */
final class KernelVersions {
  private final DeviceLimits limits;
  private final Map<String, Integer> versions = new TreeMap<>();

  /** Those of which someone wants another version than suits the device. */
  private final Set<String> chosen = new TreeSet<>();

  /** Those that somebody chose; what is merely preferred does not change them. */
  private final Set<String> fixed = new TreeSet<>();

  /** The version of each kernel that suits the device, except those that {@code chosen} names. */
  KernelVersions(DeviceLimits limits, Map<String, Integer> chosen) {
    this.limits = limits;
    for (KernelFamily family : KernelCatalog.FAMILIES) {
      versions.put(family.name(), KernelCatalog.suited(family, limits));
    }
    choose(chosen);
  }

  DeviceLimits limits() {
    return limits;
  }

  int of(String kernel) {
    return requireNonNull(versions.get(kernel), kernel);
  }

  Map<String, Integer> all() {
    return Map.copyOf(versions);
  }

  /**
   * Chooses all of {@code chosen}, or none.
   *
   * @throws Failure when there is no such kernel or version, or the device is too small for it
   */
  void choose(Map<String, Integer> chosen) {
    chosen.forEach(this::check);
    fixed.addAll(chosen.keySet());
    chosen.forEach(
        (kernel, version) -> {
          versions.put(kernel, version);
          if (version == KernelCatalog.suited(family(kernel), limits)) {
            this.chosen.remove(kernel);
          } else {
            this.chosen.add(kernel);
          }
        });
  }

  /** Prefers these where nobody chose and the device can, and what suits it of all others. */
  void prefer(Map<String, Integer> preferred) {
    for (KernelFamily family : KernelCatalog.FAMILIES) {
      if (!fixed.contains(family.name())) {
        int suited = KernelCatalog.suited(family, limits);
        int wanted = preferred.getOrDefault(family.name(), suited);
        boolean can =
            wanted >= 1
                && wanted <= family.versions()
                && KernelCatalog.fits(family, wanted, limits);
        versions.put(family.name(), can ? wanted : suited);
      }
    }
  }

  /** Whether someone wants this version, which does not suit the device by itself. */
  boolean isChosen(String kernel) {
    return chosen.contains(kernel);
  }

  /** Goes on with the version before, of those that are meant for the device; which one it is. */
  int stepDown(KernelFamily family) {
    int lower = KernelCatalog.suited(family, limits, of(family.name()) - 1);
    versions.put(family.name(), lower);
    return lower;
  }

  private static KernelFamily family(String kernel) {
    return KernelCatalog.FAMILIES.stream()
        .filter(f -> f.name().equals(kernel))
        .findFirst()
        .orElseThrow(
            () ->
                Failure.usage(
                    "kernel "
                        + kernel
                        + ": opencl has no such kernel; there are "
                        + KernelCatalog.FAMILIES.stream()
                            .map(KernelFamily::name)
                            .collect(Collectors.joining(", "))));
  }

  private void check(String kernel, int version) {
    KernelFamily family = family(kernel);
    if (version < 1 || version > family.versions()) {
      throw Failure.usage(
          "kernel "
              + kernel
              + "=v"
              + version
              + ": opencl has its versions v1 to v"
              + family.versions());
    }
    if (!KernelCatalog.offers(family, version, limits)) {
      throw Failure.usage(
          "kernel "
              + kernel
              + "=v"
              + version
              + (KernelCatalog.multiplies(family, version)
                  ? " needs matrix units of bf16, which "
                  : " needs sub-groups that exchange numbers, which ")
              + limits.name()
              + " does not offer; choose another version");
    }
    if (!KernelCatalog.fits(family, version, limits)) {
      throw Failure.usage(
          "kernel "
              + kernel
              + "=v"
              + version
              + " needs work-groups of "
              + KernelCatalog.GROUP
              + " and "
              + KernelCatalog.localBytes(family, version) / 1024
              + " KiB of local memory; "
              + limits.name()
              + " has "
              + limits.workGroup()
              + " and "
              + limits.localBytes() / 1024
              + " KiB; choose another version");
    }
  }
}
