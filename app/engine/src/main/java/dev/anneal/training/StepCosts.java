package dev.anneal.training;

import dev.anneal.device.Device;
import dev.anneal.device.ProgramCosts;
import dev.anneal.device.ProgramCosts.By;
import dev.anneal.plan.Plan;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a training step costs a device, in counts, when it times no ops: of all its micro-steps.
 *
 * @param commands all that the device is told, in order
 * @param copiesIn from the host
 * @param copiesOut to the host
 * @param calls of the driver, waits among them
 * @param waits of the host for the device
 * @param idleWaits those of them after which the device has nothing left to do, while the host goes
 *     on; of a step that is followed by another one
 */
public record StepCosts(
    List<ProgramCosts.Command> commands,
    long workspaceBytes,
    int copiesIn,
    int copiesOut,
    int calls,
    int waits,
    int idleWaits) {
  public StepCosts {
    commands = List.copyOf(commands);
  }

  /** Empty on a device that is told nothing. */
  public static Optional<StepCosts> of(TrainingPlans plans, Device device) {
    Map<Plan, ProgramCosts> known = new IdentityHashMap<>();
    List<ProgramCosts.Command> commands = new ArrayList<>();
    int calls = 0;
    StepPlans step = StepPlans.of(plans, device);
    for (Plan plan : Stream.concat(step.gradients().stream(), Stream.of(step.update())).toList()) {
      if (!known.containsKey(plan)) {
        Optional<ProgramCosts> costs = device.costs(plan);
        if (costs.isEmpty()) {
          return Optional.empty();
        }
        known.put(plan, costs.get());
      }
      ProgramCosts costs = known.get(plan);
      commands.addAll(costs.commands());
      calls += costs.calls().run();
    }
    int in = plans.microSteps().size();
    int out = plans.microSteps().size() + 1;
    ProgramCosts.Calls each = known.values().iterator().next().calls();
    // A mark after each copy of inputs, and one after the numbers, at which the host waits.
    calls += in * (each.copyIn() + each.mark()) + out * each.copyOut() + each.mark() + each.await();
    return Optional.of(
        new StepCosts(
            commands,
            device.workspaceBytes(step.all(plans)),
            in,
            out,
            calls,
            device.isAsynchronous() ? 1 : in + plans.microSteps().size() + out,
            device.isAsynchronous() ? 0 : in + plans.microSteps().size() + out));
  }

  /** How many commands are done by {@code by}. */
  public long count(By by) {
    return commands.stream().filter(command -> command.by() == by).count();
  }

  /** What all commands read and write. */
  public long bytes() {
    return commands.stream().mapToLong(ProgramCosts.Command::bytes).sum();
  }
}
