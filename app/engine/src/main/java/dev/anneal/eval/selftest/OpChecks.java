package dev.anneal.eval.selftest;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.Device;
import dev.anneal.device.KernelFamily;
import dev.anneal.eval.selftest.Finding.Measured;
import dev.anneal.eval.selftest.Finding.Skipped;
import dev.anneal.failure.Failure;
import dev.anneal.ops.FusedOps;
import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpCases;
import dev.anneal.ops.OpRun;
import dev.anneal.ops.OpVersions;
import dev.anneal.ops.TileEdges;
import dev.anneal.plan.Precision;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Every op alone, in every version of its kernel, and those that follow each other as in a training
 * step and that a device may compute together.
 */
final class OpChecks {
  private OpChecks() {}

  /** A check for each kind of op and each version that {@code device} has. */
  static List<Check> alone(Device device, Precision precision, SelfTest.Settings settings) {
    OpStorage storage = OpStorage.of(device, precision);
    Stream<OpRun> all =
        settings.quick()
            ? Stream.concat(OpCases.small(), TileEdges.heads())
            : Stream.concat(OpCases.all(), TileEdges.all());
    Map<String, List<OpRun>> kinds = new LinkedHashMap<>();
    all.map(run -> run.seeded(settings.seed()))
        .flatMap(run -> storage.of(run).stream())
        .forEach(run -> kinds.computeIfAbsent(run.op().kind(), k -> new ArrayList<>()).add(run));
    List<Check> checks = new ArrayList<>();
    kinds.forEach((kind, runs) -> checks.addAll(ofKind(device, precision, kind, runs)));
    return checks;
  }

  private static List<Check> ofKind(
      Device device, Precision precision, String kind, List<OpRun> runs) {
    Trials trials = new Trials(runs, OpAccuracy::worst);
    List<Check> checks = new ArrayList<>();
    for (KernelFamily family : device.kernels()) {
      for (int v = 1; v <= family.versions(); v++) {
        int version = v;
        Predicate<OpRun> has = run -> OpVersions.of(family, run.op()).contains(version);
        if (trials.anyMatch(has)) {
          checks.add(
              new Check(
                  CheckNames.of(family, version),
                  precision,
                  on -> withVersion(on, family.name(), version, () -> trials.on(on, has))));
        }
      }
    }
    return checks.isEmpty()
        ? List.of(new Check(CheckNames.of(kind), precision, on -> trials.on(on, run -> true)))
        : checks;
  }

  private static Finding withVersion(
      Device device, String kernel, int version, java.util.function.Supplier<Measured> measure) {
    Map<String, Integer> before = device.kernelVersions();
    try {
      device.chooseKernels(Map.of(kernel, version));
    } catch (Failure e) {
      return new Skipped(e.unspelled());
    }
    try {
      Measured measured = measure.get();
      int used = requireNonNull(device.kernelVersions().get(kernel));
      return used == version
          ? measured
          : new Skipped(device.info().name() + " does not run it and takes v" + used);
    } finally {
      device.chooseKernels(before);
    }
  }

  /** A check of each group of ops, as the device itself computes them. */
  static List<Check> together(Device device, Precision precision, SelfTest.Settings settings) {
    OpStorage storage = OpStorage.of(device, precision);
    Map<String, List<OpRun>> groups = new LinkedHashMap<>();
    FusedOps.all()
        .forEach(
            group -> {
              Optional<OpRun> stored = storage.of(group.run().seeded(settings.seed()));
              stored.ifPresent(
                  run -> groups.computeIfAbsent(group.name(), n -> new ArrayList<>()).add(run));
            });
    List<Check> checks = new ArrayList<>();
    groups.forEach(
        (name, runs) -> {
          Trials trials = new Trials(runs, OpAccuracy::worstTogether);
          checks.add(
              new Check(CheckNames.fused(name), precision, on -> trials.on(on, run -> true)));
        });
    return checks;
  }
}
