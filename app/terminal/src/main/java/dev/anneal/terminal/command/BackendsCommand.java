package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.device.Availability;
import dev.anneal.device.Backend;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.LibraryInfo;
import dev.anneal.run.Devices;
import dev.anneal.terminal.shell.JsonOption;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.Amounts;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code backends}: the devices that were found, and why others were not. */
@Command(
    name = "backends",
    description = "List the devices found, and for each backend that has none, why.",
    footer = {"", "Examples:", "  anneal backends", "  anneal backends -v --json"})
final class BackendsCommand extends ShellCommand {
  private static final int INDENT = 12;

  @Option(
      names = {"-v", "--verbose"},
      description = "also the libraries that each looks for: where they are, or why they are not")
  private boolean verbose;

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
      if (verbose) {
        printLibraries(out, backend);
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
          .put("memory_bytes", device.memoryBytes())
          .put("memory_is_free", device.memoryIsFree());
      JsonOption.print(out, node);
    } else {
      sayWrapped(
          String.format(
              Locale.ROOT,
              "%-8s %d  %s, %s, %s %s",
              device.backend(),
              device.index(),
              device.name(),
              device.details(),
              Amounts.bytes(device.memoryBytes()),
              device.memoryWord()),
          INDENT);
    }
  }

  private void printMissing(PrintWriter out, String backend, String reason) {
    if (asJson()) {
      ObjectNode node = JsonNodeFactory.instance.objectNode();
      node.put("event", "missing").put("backend", backend).put("reason", reason);
      JsonOption.print(out, node);
    } else {
      sayWrapped(String.format(Locale.ROOT, "%-8s -  missing: %s", backend, reason), INDENT);
    }
  }

  private void printLibraries(PrintWriter out, Backend backend) {
    List<LibraryInfo> libraries = backend.libraries();
    if (asJson()) {
      libraries.forEach(library -> JsonOption.print(out, json(backend.name(), library)));
      return;
    }
    int width = libraries.stream().mapToInt(library -> library.name().length()).max().orElse(0);
    for (LibraryInfo library : libraries) {
      out.printf(
          Locale.ROOT, "%" + INDENT + "s%-" + width + "s  %s%n", "", library.name(), text(library));
    }
    // Mostly the same for all.
    libraries.stream()
        .flatMap(l -> l instanceof LibraryInfo.Missing m ? m.searched().stream() : Stream.empty())
        .distinct()
        .forEach(place -> out.printf(Locale.ROOT, "%" + INDENT + "ssearched %s%n", "", place));
    backend.usage().forEach(line -> out.printf(Locale.ROOT, "%" + INDENT + "s%s%n", "", line));
  }

  private static String text(LibraryInfo library) {
    return switch (library) {
      case LibraryInfo.Found(String name, Optional<String> path, Optional<String> version) ->
          Stream.concat(version.stream(), path.stream()).collect(Collectors.joining(", "));
      case LibraryInfo.Missing(String name, String reason, List<String> searched) ->
          "missing: " + reason;
    };
  }

  private static ObjectNode json(String backend, LibraryInfo library) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("event", "library").put("backend", backend).put("name", library.name());
    switch (library) {
      case LibraryInfo.Found(String name, Optional<String> path, Optional<String> version) -> {
        node.put("found", true);
        path.ifPresent(p -> node.put("path", p));
        version.ifPresent(v -> node.put("version", v));
      }
      case LibraryInfo.Missing(String name, String reason, List<String> searched) -> {
        node.put("found", false).put("reason", reason);
        ArrayNode places = node.putArray("searched");
        searched.forEach(places::add);
      }
    }
    return node;
  }
}
