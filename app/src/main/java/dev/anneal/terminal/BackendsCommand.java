package dev.anneal.terminal;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.device.Availability;
import dev.anneal.device.Backend;
import dev.anneal.device.DeviceInfo;
import dev.anneal.session.Devices;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code backends}: the devices that were found, and why others were not. */
@Command(
    name = "backends",
    description = "List the devices found, and for each backend that has none, why.",
    footer = {"", "Example:", "  anneal backends --json"})
final class BackendsCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private JsonOption json;

  @Option(names = "--help", usageHelp = true, description = "show this")
  private boolean help;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    for (Backend backend : Devices.backends()) {
      switch (backend.probe()) {
        case Availability.Available(List<DeviceInfo> devices) ->
            devices.forEach(device -> printDevice(out, device));
        case Availability.Missing(String reason) -> printMissing(out, backend.name(), reason);
      }
    }
    return 0;
  }

  private void printDevice(PrintWriter out, DeviceInfo device) {
    if (json.isSet()) {
      ObjectNode node = JsonNodeFactory.instance.objectNode();
      node.put("event", "device")
          .put("backend", device.backend())
          .put("index", device.index())
          .put("name", device.name())
          .put("details", device.details())
          .put("memory_bytes", device.memoryBytes());
      JsonOption.print(out, node);
    } else {
      out.printf(
          Locale.ROOT,
          "%-8s %d  %s, %s, %s free%n",
          device.backend(),
          device.index(),
          device.name(),
          device.details(),
          Amounts.bytes(device.memoryBytes()));
    }
  }

  private void printMissing(PrintWriter out, String backend, String reason) {
    if (json.isSet()) {
      ObjectNode node = JsonNodeFactory.instance.objectNode();
      node.put("event", "missing").put("backend", backend).put("reason", reason);
      JsonOption.print(out, node);
    } else {
      out.printf(Locale.ROOT, "%-8s -  missing: %s%n", backend, reason);
    }
  }
}
