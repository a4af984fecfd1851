package dev.anneal.launch;

import dev.anneal.device.KernelFamily;
import dev.anneal.device.Suits;
import dev.anneal.failure.Failure;
import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** Which version of each kernel computes ops on a device. */
public final class KernelVersions {
  private final Machine machine;
  private final Language language;

  /** Those of which a user can choose, by name. */
  private final Map<String, KernelFamily> families = new LinkedHashMap<>();

  private final Map<String, Integer> wanted = new HashMap<>();

  /** Those that somebody chose; what is merely preferred does not change them. */
  private final Set<String> fixed = new HashSet<>();

  /** Versions that the driver does not take, by the names of their kernels. */
  private final Map<String, Set<Integer>> refused = new HashMap<>();

  /** What was stepped down from, a line each. */
  private final List<String> notes = new ArrayList<>();

  /** The version of each that suits the device. */
  public KernelVersions(Machine machine, Language language) {
    this.machine = machine;
    this.language = language;
    Kernels.ALL.stream()
        .filter(kernel -> language.versions(kernel).size() > 1)
        .forEach(kernel -> families.put(kernel.name(), family(kernel)));
    families.values().forEach(family -> wanted.put(family.name(), suited(family)));
  }

  /** The kernels of a language, with the versions that there are on every device. */
  public static List<KernelFamily> everywhere(Language language) {
    Machine plain =
        switch (language) {
          case CUDA ->
              new CudaMachine("", new Hardware(32, 0, 0), Optional.empty(), Optional.empty());
          case OPENCL -> new OpenClMachine("", false, 0, 0, false, 0);
        };
    return new KernelVersions(plain, language).families();
  }

  private KernelFamily family(Kernel<?> kernel) {
    return new KernelFamily(
        kernel.name(),
        kernel.op(),
        language.versions(kernel).stream()
            .filter(this::exists)
            .map(version -> version.described(machine))
            .toList());
  }

  boolean exists(Version<?, ?> version) {
    return version.suits().needs().stream()
        .allMatch(feature -> !feature.isExtra() || machine.has(feature));
  }

  public List<KernelFamily> families() {
    return List.copyOf(families.values());
  }

  public Machine machine() {
    return machine;
  }

  /** The last version that suits the device, as far as we know without timing it. */
  private int suited(KernelFamily family) {
    for (int v = family.versions(); v > 1; v--) {
      if (machine.suits(family.version(v).suits())) {
        return v;
      }
    }
    return 1;
  }

  /** The version that ops are computed by, where it can. */
  public int of(String kernel) {
    KernelFamily family = families.get(kernel);
    if (family == null) {
      throw new IllegalArgumentException("no kernel with versions is named " + kernel);
    }
    int version = wanted.getOrDefault(kernel, 1);
    while (refused.getOrDefault(kernel, Set.of()).contains(version)) {
      version = before(family, version);
    }
    return version;
  }

  /** The last version before one that suits the device. */
  private int before(KernelFamily family, int version) {
    int v = version - 1;
    while (v > 1 && !machine.suits(family.version(v).suits())) {
      v--;
    }
    return v;
  }

  public Map<String, Integer> all() {
    Map<String, Integer> all = new TreeMap<>();
    families.keySet().forEach(kernel -> all.put(kernel, of(kernel)));
    return all;
  }

  /** What was stepped down from so far, a line each. */
  public List<String> notes() {
    return List.copyOf(notes);
  }

  /**
   * Chooses some; the others stay. Changes nothing when one of them is wrong.
   *
   * @throws Failure when there is no such kernel or version, or the device is too small for it
   */
  public void choose(Map<String, Integer> versions) {
    versions.forEach(this::check);
    wanted.putAll(versions);
    fixed.addAll(versions.keySet());
  }

  private void check(String name, int version) {
    KernelFamily family = families.get(name);
    if (family == null) {
      throw Failure.usage(
          "kernel "
              + name
              + ": "
              + machine.backend()
              + " has no such kernel; there are "
              + String.join(", ", families.keySet()));
    }
    if (version < 1 || version > family.versions()) {
      throw Failure.usage(
          "kernel "
              + name
              + "=v"
              + version
              + ": "
              + machine.backend()
              + " has its versions v1 to v"
              + family.versions());
    }
    machine
        .lacks(family.version(version).suits())
        .ifPresent(
            why -> {
              throw Failure.usage("kernel " + name + "=v" + version + why);
            });
  }

  /** Prefers these where nobody chose and the device can, and what suits it of all others. */
  public void prefer(Map<String, Integer> preferred) {
    for (KernelFamily family : families.values()) {
      if (!fixed.contains(family.name())) {
        int suited = suited(family);
        int version = preferred.getOrDefault(family.name(), suited);
        boolean can =
            version >= 1
                && version <= family.versions()
                && machine.lacks(family.version(version).suits()).isEmpty();
        wanted.put(family.name(), can ? version : suited);
      }
    }
  }

  /** Whether the version that is wanted is {@code version} or one that comes after it. */
  boolean reaches(Kernel<?> kernel, Version<?, ?> version) {
    return families.containsKey(kernel.name())
        && exists(version)
        && of(kernel.name()) >= number(kernel, version);
  }

  /** The number that a version has on this device, where it exists. */
  int number(Kernel<?> kernel, Version<?, ?> version) {
    int number = 0;
    for (Version<?, ?> each : language.versions(kernel)) {
      number += exists(each) ? 1 : 0;
      if (each == version) {
        return number;
      }
    }
    throw new IllegalArgumentException(kernel.name() + " has no such version");
  }

  /** The launches of an op by the version of its kernel that is wanted, or the last before it. */
  <O extends Op, C extends LaunchContext<C>> List<Command> launches(
      Kernel<O> kernel, O op, C context) {
    int wantedNow = families.containsKey(kernel.name()) ? of(kernel.name()) : 1;
    return launches(kernel, op, context, wantedNow);
  }

  /**
   * The same by a version, or the last before it that suits the device and the op, can compute it,
   * and is run by the driver.
   */
  <O extends Op, C extends LaunchContext<C>> List<Command> launches(
      Kernel<O> kernel, O op, C context, Version<O, C> last) {
    return launches(kernel, op, context, number(kernel, last));
  }

  private <O extends Op, C extends LaunchContext<C>> List<Command> launches(
      Kernel<O> kernel, O op, C context, int last) {
    List<Version<O, C>> versions = context.of(kernel).stream().filter(this::exists).toList();
    // The last version that this one stands for, since later ones do not suit the op.
    int standsFor = last;
    for (int v = last; v >= 1; v--) {
      Version<O, C> version = versions.get(v - 1);
      boolean meant = v == last || v == 1 || machine.suits(version.suits());
      if (!meant || isRefused(kernel, v) || !takes(version.suits(), op, context)) {
        continue;
      }
      Workspace.State before = context.workspace().state();
      Optional<List<Command>> commands = version.launching().of(op, context);
      if (commands.isPresent()) {
        Optional<LaunchContext.Refusal> refusal = context.refused(version, commands.get());
        if (refusal.isEmpty()) {
          return commands.get();
        }
        context.workspace().back(before);
        for (int n = standsFor; n >= v; n--) {
          if (n == v || !isRefused(kernel, n) && machine.suits(versions.get(n - 1).suits())) {
            stepDown(kernel, n, refusal.get());
          }
        }
      }
      standsFor = v - 1;
    }
    throw new IllegalStateException("no version of " + kernel.name() + " computes " + op.kind());
  }

  private boolean isRefused(Kernel<?> kernel, int version) {
    return refused.getOrDefault(kernel.name(), Set.of()).contains(version);
  }

  private static boolean takes(Suits suits, Op op, LaunchContext<?> context) {
    return suits.takesFormat(context.stored(op))
        && OpSizes.headSize(op).stream().allMatch(suits::takesHeads);
  }

  /** Goes on without a version that the driver does not take, unless somebody chose it. */
  private void stepDown(Kernel<?> kernel, int version, LaunchContext.Refusal refusal) {
    KernelFamily family = families.get(kernel.name());
    if (family == null || version == 1 || isChosen(family, version)) {
      throw refusal.error();
    }
    int was = of(kernel.name());
    refused.computeIfAbsent(kernel.name(), any -> new HashSet<>()).add(version);
    notes.add(
        machine.refusing(refusal.kernel(), refusal.why())
            + ", so "
            + kernel.name()
            + " runs as v"
            + before(family, version)
            + " in place of v"
            + was);
  }

  /** Whether someone wants this version, which does not suit the device by itself. */
  private boolean isChosen(KernelFamily family, int version) {
    return fixed.contains(family.name())
        && wanted.getOrDefault(family.name(), 0) == version
        && version != suited(family);
  }

  /**
   * Whether a version is the fastest of others, found anew for every size, so that its number does
   * not say by which an op was computed.
   */
  public boolean isTried(String kernel, int version) {
    return kernel.equals(Attention.BACKWARD.name())
        && exists(Attention.FASTEST)
        && version == number(Attention.BACKWARD, Attention.FASTEST);
  }
}
