package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.failure.Failure;
import dev.anneal.run.LiveRun;
import dev.anneal.run.LiveSetting;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.EventJson;
import dev.anneal.run.log.JsonNumbers;
import dev.anneal.run.log.Metric;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.training.KernelChoices;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code set}: what can change while a run is live. */
@Command(
    name = "set",
    description = "Change a setting of the live run after the step in progress; alone, list them.",
    footer = {
      "",
      "Examples:",
      "  set",
      "  set lr 1e-4",
      "  set temperature 0.9",
      "  set kernel gelu_forward=v1"
    })
final class SetCommand extends ShellCommand {
  @Parameters(index = "0", arity = "0..1", paramLabel = "SETTING", description = "what to change")
  private Optional<String> key = Optional.empty();

  @Parameters(index = "1", arity = "0..1", paramLabel = "VALUE", description = "what to set it to")
  private Optional<String> value = Optional.empty();

  SetCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    LiveRun run = live();
    if (key.isEmpty()) {
      list(run);
      return 0;
    }
    if (key.get().equals("kernel")) {
      return setKernel(run);
    }
    LiveSetting setting = LiveSetting.of(key.get());
    if (value.isEmpty()) {
      throw Failure.usage("set " + setting.key() + " needs a value: " + setting.description());
    }
    Event.Changed changed = shell().await(setting.change(run.session(), value.get()));
    if (asJson()) {
      print(EventJson.write(changed));
      return 0;
    }
    say(
        "%s: %s -> %s from step %d on",
        changed.setting(), changed.from(), changed.to(), changed.step() + 1);
    if (setting == LiveSetting.LR && !run.history().snapshot().series(Metric.LR).isEmpty()) {
      double next =
          shell()
              .await(
                  run.session().atBoundary(r -> r.config().schedule().learningRate(r.step() + 1)));
      say("the schedule makes that %.3g now", next);
    }
    return 0;
  }

  /** Not one of {@link LiveSetting}: it has no value of its own, and the run must be paused. */
  private int setKernel(LiveRun run) {
    String text =
        value.orElseThrow(
            () ->
                Failure.usage(
                    "set kernel needs KERNEL=vN, such as layernorm_forward=v1; 'show kernels' lists"
                        + " them"));
    for (Map.Entry<String, Integer> choice : KernelChoices.parse("set kernel", text).entrySet()) {
      Event.Changed changed = shell().await(run.chooseKernel(choice.getKey(), choice.getValue()));
      if (asJson()) {
        print(EventJson.write(changed));
      } else {
        say("%s: %s -> %s", changed.setting(), changed.from(), changed.to());
      }
    }
    return 0;
  }

  private void list(LiveRun run) {
    ObjectNode node = JsonNodeFactory.instance.objectNode().put("event", "settings");
    for (LiveSetting setting : LiveSetting.values()) {
      String now = shell().await(run.session().atBoundary(r -> setting.value(run.session(), r)));
      if (asJson()) {
        node.set(setting.key(), JsonNumbers.of(now));
      } else {
        say("%-18s %-10s %s", setting.key(), now, setting.description());
      }
    }
    if (asJson()) {
      print(node);
    }
  }
}
