package dev.anneal.eval.selftest;

import dev.anneal.device.KernelFamily;
import dev.anneal.ops.FusedOps;
import dev.anneal.ops.OpCases;
import dev.anneal.plan.Op;
import dev.anneal.plan.Precision;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What checks are named. */
public final class CheckNames {
  static final String LARGE_LOGITS = "large_logits";

  /** What is done with each scenario. */
  static final String OPS = "ops_";

  static final String STEP = "step_";
  static final String GRAPH = "graph_";
  static final String REPEAT = "repeat_";

  private CheckNames() {}

  static String of(KernelFamily family, int version) {
    return family.name() + "_v" + version;
  }

  /** The name of the check of an op whose kernel has no versions. */
  static String of(String kind) {
    return kind.replaceAll("(?<=[a-z])(?=[A-Z])", "_").toLowerCase(Locale.ROOT);
  }

  static String fused(String group) {
    return "fused_" + group;
  }

  /**
   * The names of all checks of a backend, each once, in the order in which they are made; a device
   * may lack some that are of formats or of versions that it does not have.
   *
   * @param kernels those of its kernels that have versions
   */
  public static List<String> all(List<KernelFamily> kernels) {
    Stream<String> alone = OpCases.small().map(run -> run.op()).flatMap(op -> alone(op, kernels));
    Stream<String> together = FusedOps.all().map(group -> fused(group.name()));
    Stream<String> steps =
        Scenario.of(Precision.FP32, false).stream()
            .flatMap(
                scenario ->
                    Stream.of(OPS, STEP, GRAPH, REPEAT).map(done -> done + scenario.name()));
    return Stream.of(alone, together, steps, Stream.of(LARGE_LOGITS))
        .flatMap(names -> names)
        .distinct()
        .toList();
  }

  private static Stream<String> alone(Op op, List<KernelFamily> kernels) {
    List<KernelFamily> own = kernels.stream().filter(family -> family.op().isInstance(op)).toList();
    if (own.isEmpty()) {
      // Where products of 8 bits have no kernels, there are none.
      return op instanceof Op.EightBit ? Stream.empty() : Stream.of(of(op.kind()));
    }
    return own.stream()
        .flatMap(
            family ->
                IntStream.rangeClosed(1, family.versions())
                    .mapToObj(version -> of(family, version)));
  }
}
