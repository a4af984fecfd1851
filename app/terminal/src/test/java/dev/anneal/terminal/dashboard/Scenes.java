package dev.anneal.terminal.dashboard;

import dev.anneal.eval.Peak;
import dev.anneal.plan.Precision;
import dev.anneal.run.log.History;
import dev.anneal.terminal.dashboard.Scene.BackendRow;
import dev.anneal.terminal.dashboard.Scene.RunRow;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/** Scenes of {@link Histories} on a machine that is always equally busy. */
public final class Scenes {
  private Scenes() {}

  public static Scene of(Histories which) {
    return of(which.history(), which == Histories.LONG, List.of());
  }

  /**
   * A scene.
   *
   * @param rich whether there are other runs and backends, a peak rate and a record
   */
  static Scene of(History.Snapshot run, boolean rich, List<String> overlays) {
    SequencedMap<String, History.Snapshot> others = new LinkedHashMap<>();
    for (String name : overlays) {
      others.put(name, (name.equals("run-5") ? Histories.DONE : Histories.FAILED).history());
    }
    return new Scene(
        run,
        run.started().isPresent() ? "run-7" : "no run",
        true,
        others,
        new Scene.SystemUse(0.87, 1_930_000_000L, 212_000_000L, 2_000_000_000L, 0.004),
        rich
            ? List.of(
                new BackendRow("cpu", "Reference CPU", Optional.of(18.4), "live"),
                new BackendRow(
                    "cuda", "no NVIDIA driver is installed", Optional.empty(), "missing"),
                new BackendRow("opencl", "pocl 3.1", Optional.empty(), "ready"))
            : List.of(new BackendRow("cpu", "Reference CPU", Optional.empty(), "ready")),
        rich
            ? List.of(
                new RunRow("run-3", -1, false),
                new RunRow("run-5", 800, false),
                new RunRow("run-7", 100_000, true),
                new RunRow("a-run-with-a-long-name", 12, false))
            : List.of(),
        rich
            ? Optional.of(new Peak(2.1e12, Precision.FP32, Peak.Source.MEASURED))
            : Optional.empty(),
        rich,
        ZoneOffset.UTC,
        Optional.empty());
  }
}
