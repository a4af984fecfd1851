package dev.anneal.terminal.live;

import dev.anneal.device.Availability;
import dev.anneal.device.Backend;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import dev.anneal.eval.Comparison;
import dev.anneal.failure.Exhausted;
import dev.anneal.failure.Failure;
import dev.anneal.plan.Precision;
import dev.anneal.reference.Difference;
import dev.anneal.run.Devices;
import dev.anneal.run.LiveRun;
import dev.anneal.terminal.dashboard.Scene.BackendRow;
import dev.anneal.terminal.shell.Release;
import dev.anneal.terminal.text.Dashes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The backends beside each other, for a dashboard: which there are, and for a paused run how long
 * each takes for its next steps and how far it is off. Nobody waits for it.
 */
final class BackendComparison {
  private static final int STEPS = 4;
  private static final String REFERENCE = "cpu";

  private final Supplier<Optional<LiveRun>> live;
  private final Consumer<String> news;
  private final AtomicBoolean busy = new AtomicBoolean();
  private volatile boolean closed;
  private volatile List<BackendRow> rows = List.of();

  BackendComparison(Supplier<Optional<LiveRun>> live, Consumer<String> news) {
    this.live = live;
    this.news = news;
  }

  List<BackendRow> rows() {
    return rows;
  }

  /** Looks which backends there are. */
  void look() {
    begin(() -> rows = probe());
  }

  /**
   * Looks, and compares on the paused run.
   *
   * @throws Failure when that is being done already
   */
  void refresh() {
    boolean begun =
        begin(
            () -> {
              rows = probe();
              live.get().ifPresent(this::compare);
            });
    if (!begun) {
      throw Failure.failed("the backends are being compared already");
    }
  }

  private void compare(LiveRun run) {
    LiveRun.await(
        run.session()
            .atBoundary(
                "comparing the backends",
                r ->
                    rows =
                        compared(
                            r.comparison(), Comparison.Settings.WARM_UP_SECONDS, () -> closed)));
    news.accept("the backends are compared, on " + run.name() + " at this step");
  }

  void close() {
    closed = true;
  }

  private boolean begin(Runnable work) {
    boolean begins = busy.compareAndSet(false, true);
    if (begins) {
      Thread.ofVirtual()
          .start(
              () -> {
                try {
                  work.run();
                } catch (RuntimeException e) {
                  rows = failed(e);
                  news.accept("the comparison failed: " + Dashes.in(e));
                } catch (VirtualMachineError e) {
                  rows = failed(Exhausted.of(e));
                  news.accept("the comparison failed: " + Dashes.in(Exhausted.of(e)));
                } finally {
                  busy.set(false);
                }
              });
    }
    return begins;
  }

  private List<BackendRow> failed(RuntimeException e) {
    List<BackendRow> all = new ArrayList<>(rows);
    String reason = Dashes.in(e);
    all.add(new BackendRow("", reason, Optional.empty(), reason));
    return List.copyOf(all);
  }

  private static List<BackendRow> probe() {
    List<BackendRow> found = new ArrayList<>();
    for (Backend backend : Devices.backends()) {
      switch (backend.probe()) {
        case Availability.Available(List<DeviceInfo> devices) ->
            devices.forEach(
                device ->
                    found.add(
                        new BackendRow(backend.name(), device.name(), Optional.empty(), "ready")));
        case Availability.Missing(String reason) ->
            found.add(new BackendRow(backend.name(), reason, Optional.empty(), "missing"));
      }
    }
    return List.copyOf(found);
  }

  /**
   * The CPU first, as the reference, which need not store what the run stores; then the first
   * device of every other backend that does.
   */
  static List<BackendRow> compared(
      Comparison.Task task, double warmUpSeconds, BooleanSupplier cancelled) {
    List<Device> devices = new ArrayList<>();
    List<BackendRow> others = new ArrayList<>();
    try {
      devices.add(Devices.open(REFERENCE, 0, DeviceOptions.defaults()));
      for (Backend backend : Devices.backends()) {
        if (backend.name().equals(REFERENCE)) {
          continue;
        }
        switch (backend.probe()) {
          case Availability.Available(List<DeviceInfo> found) when !found.isEmpty() -> {
            Device device = Devices.open(backend.name(), 0, DeviceOptions.defaults());
            if (device.precisions().contains(task.step().precision())) {
              devices.add(device);
            } else {
              device.close();
              others.add(cannotStore(device.info(), task.step().precision()));
            }
          }
          case Availability.Available none -> {}
          case Availability.Missing(String reason) ->
              others.add(new BackendRow(backend.name(), reason, Optional.empty(), "missing"));
        }
      }
      Comparison comparison =
          Comparison.run(
              task,
              devices,
              new Comparison.Settings(STEPS, warmUpSeconds, Release.VERSION),
              what -> {},
              cancelled);
      List<BackendRow> all = new ArrayList<>();
      comparison.devices().forEach(device -> all.add(row(comparison, device)));
      all.addAll(others);
      return List.copyOf(all);
    } finally {
      devices.forEach(Device::close);
    }
  }

  private static BackendRow cannotStore(DeviceInfo device, Precision precision) {
    return new BackendRow(
        device.backend(),
        device.name(),
        Optional.empty(),
        "has no " + precision.name().toLowerCase(Locale.ROOT));
  }

  private static BackendRow row(Comparison all, Comparison.DeviceResult device) {
    Difference worst = device.errors().values().stream().reduce(Difference.NONE, Difference::worst);
    String state =
        device.errors().isEmpty()
            ? "reference"
            : device
                .divergence()
                .map(d -> "DIVERGES " + d.kind())
                .orElse(
                    String.format(
                        Locale.ROOT,
                        "%.2fx%s ok %.0e",
                        all.ratio(device),
                        all.isRatioNoise(device) ? "~" : "",
                        worst.relative()));
    return new BackendRow(device.backend(), device.device(), Optional.of(device.stepMs()), state);
  }
}
