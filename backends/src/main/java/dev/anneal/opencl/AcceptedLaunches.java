package dev.anneal.opencl;

import dev.anneal.device.KernelFamily;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ClassifierChunks;
import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * The launches of ops by versions that the driver runs: one that it refuses steps down to the
 * version before it, which is noted, unless a user chose it.
 */
final class AcceptedLaunches {
  private final KernelVersions versions;
  private final KernelProbe probe;
  private final List<String> notes = new ArrayList<>();

  AcceptedLaunches(KernelVersions versions, KernelProbe probe) {
    this.versions = versions;
    this.probe = probe;
  }

  /** What was stepped down from so far, a line each. */
  List<String> notes() {
    return List.copyOf(notes);
  }

  /**
   * The launches of {@code op}.
   *
   * @param cut the arenas that are in several buffers, which one launch cannot go through
   * @throws dev.anneal.failure.Failure when no version of a kernel runs
   */
  Launches of(Op op, Predicate<Arena> cut) {
    while (true) {
      Launches launches =
          op instanceof Op.GlobalNorm norm
                  && norm.gradients().stream().anyMatch(gradient -> cut.test(gradient.arena()))
              ? OptimizerLaunches.globalNorm(norm, 1, versions)
              : OpLaunches.of(op, versions);
      Optional<Refused> refused = refused(launches);
      if (refused.isEmpty()) {
        return launches;
      }
      stepDown(op, refused.get());
    }
  }

  private record Refused(Launch launch, String why) {}

  private Optional<Refused> refused(Launches launches) {
    for (Launch launch : launches.list()) {
      Optional<String> why = probe.refusal(launch);
      if (why.isPresent()) {
        return Optional.of(new Refused(launch, why.get()));
      }
    }
    return Optional.empty();
  }

  private void stepDown(Op op, Refused refused) {
    Launch launch = refused.launch();
    List<KernelFamily> families =
        KernelCatalog.FAMILIES.stream()
            .filter(each -> parts(op).anyMatch(each.op()::isInstance))
            .filter(each -> versions.of(each.name()) > 1)
            .filter(each -> !versions.isChosen(each.name()))
            .toList();
    // By name first: for some sizes and dtypes, a version has an earlier one's kernels.
    KernelFamily family =
        families.stream()
            .filter(each -> launch.kernel().startsWith(each.name() + "_"))
            .findFirst()
            .or(
                () ->
                    families.stream()
                        .filter(each -> launch.kernel().endsWith("_v" + versions.of(each.name())))
                        .findFirst())
            .orElseThrow(() -> OpenClFailures.group(launch, versions.limits(), refused.why()));
    int before = versions.of(family.name());
    int now = versions.stepDown(family);
    notes.add(
        "opencl device "
            + versions.limits().name()
            + " refuses "
            + launch.kernel()
            + " ("
            + refused.why()
            + "), so "
            + family.name()
            + " runs as v"
            + now
            + " in place of v"
            + before);
  }

  /** An op, or what a classifier is made of. */
  private static Stream<Op> parts(Op op) {
    return op instanceof Op.Classifier classifier
        ? ClassifierChunks.of(classifier).ops().stream()
        : Stream.of(op);
  }
}
