package dev.anneal.terminal.command;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.device.Device;
import dev.anneal.device.KernelFamily;
import dev.anneal.model.Parameter;
import dev.anneal.plan.Op;
import dev.anneal.run.LiveRun;
import dev.anneal.run.Run;
import dev.anneal.run.config.ConfigJson;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.History;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.Amounts;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code show}: what the live run is made of. */
@Command(
    name = "show",
    description = "Show the live run's configuration, model, plan, memory, kernels, or itself.",
    footer = {"", "Examples:", "  show", "  show memory", "  show config"})
final class ShowCommand extends ShellCommand {
  /** What can be shown. */
  enum Subject {
    CONFIG("all settings of the run, as its checkpoints keep them"),
    MODEL("its tensors and their shapes"),
    PLAN("the ops of a step, and how many of each kind"),
    MEMORY("bytes of each arena"),
    KERNELS("the versions that the device uses"),
    RUN("its directory, step, device and newest checkpoint");

    private final String description;

    Subject(String description) {
      this.description = description;
    }

    String key() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Parameters(
      arity = "0..1",
      paramLabel = "WHAT",
      description = "config, model, plan, memory, kernels or run; these are listed by default")
  private Optional<Subject> subject = Optional.empty();

  ShowCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    if (subject.isEmpty()) {
      list();
      return 0;
    }
    LiveRun live = live();
    Subject what = subject.get();
    ObjectNode node =
        shell()
            .await(
                live.session()
                    .atBoundary(
                        run ->
                            switch (what) {
                              case CONFIG -> ConfigJson.write(run.config());
                              case MODEL -> model(run);
                              case PLAN -> plan(run);
                              case MEMORY -> memory(live.history().snapshot());
                              case KERNELS -> kernels(run);
                              case RUN -> run(live, run);
                            }));
    if (asJson()) {
      ObjectNode whole = json("show").put("what", what.key());
      whole.set(what.key(), node);
      print(whole);
    } else if (what == Subject.CONFIG) {
      say("%s", pretty(node));
    } else {
      tell(node);
    }
    return 0;
  }

  private void list() {
    for (Subject what : Subject.values()) {
      if (asJson()) {
        print(json("subject").put("name", what.key()).put("description", what.description));
      } else {
        say("%-8s %s", what.key(), what.description);
      }
    }
  }

  private void tell(ObjectNode node) {
    for (Map.Entry<String, JsonNode> entry : node.properties()) {
      JsonNode value = entry.getValue();
      if (value instanceof ObjectNode group) {
        tell(group);
      } else {
        say("%-28s %s", entry.getKey(), value.isTextual() ? value.asText() : value.toString());
      }
    }
  }

  private static String pretty(ObjectNode node) {
    try {
      return new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(node);
    } catch (JsonProcessingException e) {
      return node.toString();
    }
  }

  private ObjectNode model(Run run) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("model", run.model().description());
    node.put("parameters", run.model().parameterCount());
    ObjectNode tensors = node.putObject("tensors");
    for (Parameter parameter : run.model().parameters()) {
      if (asJson()) {
        ArrayNode shape = tensors.putArray(parameter.name());
        parameter.tensor().shape().dims().forEach(shape::add);
      } else {
        tensors.put(parameter.name(), parameter.tensor().shape().toString());
      }
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
    ObjectNode counts = node.putObject("kinds");
    kinds.forEach(counts::put);
    return node;
  }

  private ObjectNode kernels(Run run) {
    Device device = run.trainer().device();
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    for (KernelFamily family : device.kernels()) {
      int version = device.kernelVersions().getOrDefault(family.name(), family.versions());
      if (asJson()) {
        node.put(family.name(), version);
      } else {
        node.put(
            family.name(),
            "v"
                + version
                + " of "
                + family.versions()
                + (run.benchedKernels().containsKey(family.name()) ? ", chosen by bench: " : ": ")
                + family.ideas().get(version - 1));
      }
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
