package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.device.Device;
import dev.anneal.device.KernelFamily;
import dev.anneal.model.Parameter;
import dev.anneal.plan.Op;
import dev.anneal.session.ConfigJson;
import dev.anneal.session.Event;
import dev.anneal.session.History;
import dev.anneal.session.LiveRun;
import dev.anneal.session.Run;
import dev.anneal.terminal.text.Amounts;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code show}: what the live run is made of. */
@Command(
    name = "show",
    description = "Show the live run's configuration, model, plan, memory, kernels, or itself.",
    footer = {"", "Examples:", "  show memory", "  show config"})
final class ShowCommand extends ShellCommand {
  /** What can be shown. */
  enum Subject {
    CONFIG,
    MODEL,
    PLAN,
    MEMORY,
    KERNELS,
    RUN
  }

  @Parameters(paramLabel = "WHAT", description = "config, model, plan, memory, kernels or run")
  private Subject subject;

  ShowCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    LiveRun live = live();
    ObjectNode node =
        shell()
            .await(
                live.session()
                    .atBoundary(
                        run ->
                            switch (subject) {
                              case CONFIG -> ConfigJson.write(run.config());
                              case MODEL -> model(run);
                              case PLAN -> plan(run);
                              case MEMORY -> memory(live.history().snapshot());
                              case KERNELS -> kernels(run.trainer().device());
                              case RUN -> run(live, run);
                            }));
    if (asJson()) {
      print(node.put("event", subject.name().toLowerCase(java.util.Locale.ROOT)));
    } else if (subject == Subject.CONFIG) {
      say("%s", pretty(node));
    } else {
      node.properties()
          .forEach(
              e ->
                  say(
                      "%-28s %s",
                      e.getKey(),
                      e.getValue().isTextual() ? e.getValue().asText() : e.getValue().toString()));
    }
    return 0;
  }

  private static String pretty(ObjectNode node) {
    try {
      return new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(node);
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      return node.toString();
    }
  }

  private ObjectNode model(Run run) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("model", run.model().description());
    node.put("parameters", run.model().parameterCount());
    for (Parameter parameter : run.model().parameters()) {
      node.put(parameter.name(), parameter.tensor().shape().toString());
    }
    return node;
  }

  private static ObjectNode plan(Run run) {
    Map<String, Integer> kinds = new TreeMap<>();
    for (Op op : run.trainer().plans().step().ops()) {
      kinds.merge(op.kind(), 1, Integer::sum);
    }
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("ops", run.trainer().plans().step().ops().size());
    node.put("flops", run.trainer().plans().step().flops());
    kinds.forEach(node::put);
    return node;
  }

  private ObjectNode kernels(Device device) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    for (KernelFamily family : device.kernels()) {
      int version = device.kernelVersions().getOrDefault(family.name(), family.versions());
      node.put(
          family.name(),
          asJson()
              ? "v" + version
              : "v"
                  + version
                  + " of "
                  + family.versions()
                  + ": "
                  + family.ideas().get(version - 1));
    }
    return node;
  }

  private ObjectNode memory(History.Snapshot now) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    Map<String, Long> bytes = now.started().map(Event.Started::bytes).orElse(Map.of());
    long total = bytes.values().stream().mapToLong(Long::longValue).sum();
    bytes.forEach((arena, n) -> put(node, arena, n));
    put(node, "total", total);
    return node;
  }

  private void put(ObjectNode node, String name, long bytes) {
    if (asJson()) {
      node.put(name, bytes);
    } else {
      node.put(name, Amounts.bytes(bytes));
    }
  }

  private static ObjectNode run(LiveRun live, Run run) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("run", live.name());
    node.put("directory", live.directory().toString());
    node.put("step", run.step());
    node.put("steps", run.config().steps());
    node.put("device", run.trainer().device().info().name());
    run.lastCheckpoint().ifPresent(path -> node.put("checkpoint", path.toString()));
    return node;
  }
}
