package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.device.Availability;
import dev.anneal.device.Backend;
import dev.anneal.device.DeviceInfo;
import dev.anneal.session.Devices;
import dev.anneal.terminal.text.Amounts;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;

/** {@code backends}: the devices that were found, and why others were not. */
@Command(
    name = "backends",
    description = "List the devices found, and for each backend that has none, why.",
    footer = {"", "Example:", "  anneal backends --json"})
final class BackendsCommand extends ShellCommand {
  BackendsCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    PrintWriter out = out();
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
    if (asJson()) {
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
    if (asJson()) {
      ObjectNode node = JsonNodeFactory.instance.objectNode();
      node.put("event", "missing").put("backend", backend).put("reason", reason);
      JsonOption.print(out, node);
    } else {
      out.printf(Locale.ROOT, "%-8s -  missing: %s%n", backend, reason);
    }
  }
}
