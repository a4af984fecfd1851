package dev.anneal.gpu;

import dev.anneal.failure.Failure;
import dev.anneal.launch.Argument;
import dev.anneal.launch.Grid;
import dev.anneal.launch.Launch;
import dev.anneal.launch.Place;
import dev.anneal.plan.DType;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The kernels that are loaded on one device; each file when it is first needed. */
final class KernelModules implements AutoCloseable {
  private record Key(String file, DType real) {}

  private record Trial(String kernel, DType real) {}

  /** More than any kernel that is tried reads or writes of a tensor with sizes of 1. */
  private static final long TRIAL_BYTES = 4096;

  /** In every direction but the first. */
  private static final int MOST_BLOCKS = 65535;

  private final Driver driver;
  private final KernelImages images;
  private final Map<Key, Driver.Module> modules = new HashMap<>();
  private final Map<Trial, Optional<Failure>> refusals = new HashMap<>();

  KernelModules(Driver driver, KernelImages images) {
    this.driver = driver;
    this.images = images;
  }

  PreparedCommand prepare(Launch launch) {
    Grid grid = launch.grid();
    if (grid.y() > MOST_BLOCKS || grid.z() > MOST_BLOCKS) {
      throw new IllegalArgumentException(launch.kernel() + " over " + grid);
    }
    return modules
        .computeIfAbsent(
            new Key(launch.file().name(), launch.real()),
            key -> driver.load(key.file(), images.image(key.file(), key.real())))
        .prepare(launch);
  }

  /**
   * Why a kernel that has others to fall back on cannot be used: no compiler takes it, or the
   * driver does not load it, or does not launch it. Launched are one block on {@link #TRIAL_BYTES}
   * of memory of its own, with sizes of 1.
   */
  Optional<Failure> refusal(Launch launch) {
    return refusals.computeIfAbsent(
        new Trial(launch.kernel(), launch.real()), any -> tried(launch));
  }

  private Optional<Failure> tried(Launch launch) {
    long memory = driver.allocate("memory of a trial", TRIAL_BYTES);
    try {
      try {
        prepare(trial(launch, memory)).enqueue();
      } catch (Failure e) {
        // Whoever answers this is there, and refused that one launch alone.
        driver.synchronize("trying " + launch.kernel());
        return Optional.of(e);
      }
      driver.synchronize("trying " + launch.kernel());
      return Optional.empty();
    } finally {
      driver.free(memory);
    }
  }

  private static Launch trial(Launch launch, long memory) {
    List<Argument> arguments =
        launch.arguments().stream()
            .map(
                argument ->
                    switch (argument) {
                      case Place ignored -> Place.at(memory);
                      case Argument.I32 ignored -> Argument.i32(1);
                      case Argument.I64 ignored -> Argument.i64(1);
                      case Argument.F32 same -> same;
                    })
            .toList();
    Grid grid = launch.grid();
    return launch.with(Grid.groups(1, 1, grid.width(), grid.height()), arguments);
  }

  @Override
  public void close() {
    modules.values().forEach(Driver.Module::close);
    modules.clear();
  }
}
