package dev.anneal.run;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.device.Availability;
import dev.anneal.device.Backend;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.setting.Nearest;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;

/** The backends that this program has, and how to open one by name. */
public final class Devices {
  private Devices() {}

  /** All backends, whether or not they have a device here. */
  public static List<Backend> backends() {
    return ServiceLoader.load(Backend.class).stream().map(ServiceLoader.Provider::get).toList();
  }

  /** Whether a backend of this name has a device here. */
  static boolean isHere(String name) {
    return backends().stream()
        .anyMatch(b -> b.name().equals(name) && b.probe() instanceof Availability.Available);
  }

  /**
   * A device that says what it would do: one that is here, or else one that only plans.
   *
   * @param backendName or {@code auto}, for a GPU when there is one and else for NVIDIA's
   * @param target to plan for, though another device is here
   * @throws Failure when there is neither
   */
  public static Device toPlan(String backendName, Optional<String> target) {
    Backend backend =
        backend(backendName.equals(AutomaticBackend.NAME) ? AutomaticBackend.gpu() : backendName);
    boolean here = backend.probe() instanceof Availability.Available;
    return here && target.isEmpty()
        ? open(backend.name(), 0, DeviceOptions.defaults())
        : backend.planned(target).orElseThrow(() -> cannotPlan(backend, target));
  }

  private static Failure cannotPlan(Backend backend, Optional<String> target) {
    if (target.isPresent()) {
      return Failure.usage(
          setting("target")
              + " "
              + target.get()
              + ": plans for a target are made for cuda and hip");
    }
    String reason = backend.probe() instanceof Availability.Missing(String why) ? why : "no device";
    return new Failure(
        ExitCode.BACKEND,
        "backend "
            + backend.name()
            + " is missing, and plans only for a device that is here: "
            + reason
            + "; take "
            + setting("backend")
            + " cuda or hip");
  }

  /**
   * Opens a device.
   *
   * @param backendName or {@code auto}, for a GPU when there is one that works and else the CPU
   * @throws Failure when there is no such backend, or it has no device here; it says why
   */
  public static Device open(String backendName, int index, DeviceOptions options) {
    if (backendName.equals(AutomaticBackend.NAME)) {
      return AutomaticBackend.open(index, options);
    }
    Backend backend = backend(backendName);
    if (!options.deterministic() && !backend.gainsWithoutDeterminism()) {
      throw Failure.usage(
          setting("deterministic")
              + " off: "
              + backendName
              + " gives the same bits every time, and nothing is faster without; leave it out");
    }
    return switch (backend.probe()) {
      case Availability.Missing(String reason) ->
          throw new Failure(ExitCode.BACKEND, "backend " + backendName + " is missing: " + reason);
      case Availability.Available(List<DeviceInfo> devices) -> {
        if (index < 0 || index >= devices.size()) {
          throw Failure.usage(
              setting("device")
                  + " is "
                  + index
                  + "; "
                  + backendName
                  + " has devices 0 to "
                  + (devices.size() - 1));
        }
        yield backend.open(devices.get(index), options);
      }
    };
  }

  private static Backend backend(String name) {
    List<Backend> backends = backends();
    return backends.stream()
        .filter(b -> b.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                Failure.usage(
                    "no backend is named "
                        + name
                        + Nearest.among(name, backends.stream().map(Backend::name).toList())));
  }
}
