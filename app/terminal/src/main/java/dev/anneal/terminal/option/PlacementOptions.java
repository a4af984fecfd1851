package dev.anneal.terminal.option;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.failure.Failure;
import dev.anneal.run.Devices;
import dev.anneal.run.LiveRun;
import dev.anneal.setting.Setting;
import dev.anneal.setting.Written;
import dev.anneal.training.KernelChoices;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import picocli.CommandLine.Option;

/** Where to compute. */
public final class PlacementOptions {
  /** All of them. */
  public static final String[] NAMES = {
    "--backend", "--device", "--threads", "--kernel", "--deterministic"
  };

  public static final String WHERE_THE_RUN_IS =
      "the live weights are where the run is; 'use' moves it";

  @Option(
      names = "--backend",
      paramLabel = "BACKEND",
      description =
          "backends lists them; auto by default: NVIDIA's or AMD's GPU when there is one that"
              + " works, else cpu, which --threads asks for; a run that goes on stays where it was")
  private Optional<String> backend = Optional.empty();

  @Option(
      names = "--device",
      paramLabel = "N",
      defaultValue = "0",
      description = "of the backend's; ${DEFAULT-VALUE} by default")
  private int device;

  @Option(names = "--threads", paramLabel = "N", description = "of the CPU; all cores by default")
  private Optional<Integer> threads = Optional.empty();

  @Option(
      names = "--kernel",
      paramLabel = "KERNEL=vN",
      description = "a version of a kernel, such as layernorm_forward=v1; the fastest by default")
  private List<String> kernels = List.of();

  @Option(
      names = "--deterministic",
      paramLabel = "on|off",
      description =
          "off: on cuda, libraries may compute in the fastest way, whose bits differ from run to"
              + " run; on by default")
  private Determinism determinism = Determinism.ON;

  private enum Determinism {
    ON,
    OFF
  }

  public LiveRun.Place place() {
    backend.ifPresent(name -> requireTheCpus(threads, List.of(name)));
    return new LiveRun.Place(name(), index(), options());
  }

  public DeviceOptions options() {
    DeviceOptions all = options(threads, kernels);
    return new DeviceOptions(all.threads(), all.kernels(), determinism == Determinism.ON);
  }

  public Device open() {
    backend.ifPresent(name -> requireTheCpus(threads, List.of(name)));
    return openBesideCpu();
  }

  /** The same for a command that computes on the CPU, too. */
  public Device openBesideCpu() {
    return Devices.open(name(), index(), options());
  }

  /** Threads are the CPU's. */
  private String name() {
    return backend.orElse(threads.isPresent() ? "cpu" : "auto");
  }

  private int index() {
    return Setting.DEVICE.whole(Written.OPTION, device);
  }

  /** Fails when there are threads for none of {@code backends}. */
  public static void requireTheCpus(Optional<Integer> threads, List<String> backends) {
    boolean used = backends.stream().anyMatch(name -> name.equals("cpu") || name.equals("auto"));
    if (threads.isPresent() && !used) {
      throw Failure.usage(
          "--threads is of the CPU, and "
              + String.join(" and ", backends)
              + (backends.size() == 1 ? " is another backend" : " are others")
              + "; leave it out");
    }
  }

  public static DeviceOptions options(Optional<Integer> threads, List<String> kernels) {
    Map<String, Integer> versions = new TreeMap<>();
    for (String kernel : kernels) {
      KernelChoices.parse("--kernel", kernel)
          .forEach(
              (name, version) -> {
                if (versions.putIfAbsent(name, version) != null) {
                  throw Failure.usage("--kernel names " + name + " twice; give one version of it");
                }
              });
    }
    int team =
        threads
            .map(n -> Setting.THREADS.whole(Written.OPTION, n))
            .orElseGet(() -> DeviceOptions.defaults().threads());
    return new DeviceOptions(team, versions, true);
  }
}
