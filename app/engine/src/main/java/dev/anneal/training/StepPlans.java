package dev.anneal.training;

import dev.anneal.device.Device;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/**
 * The plans of a training step as a device runs them, one after the other. On one that works while
 * the host goes on, the update is apart from the gradients: these of the next step can be told to
 * the device before the host has read what came of this one, and no weight changes by that.
 *
 * @param gradients run before the update; the same plan may be there several times
 * @param update ends the step; the whole of the last micro-step where it is not apart
 */
record StepPlans(List<Plan> gradients, Plan update) {
  StepPlans {
    gradients = List.copyOf(gradients);
  }

  static StepPlans of(TrainingPlans plans, Device device) {
    List<Plan> all = plans.microSteps();
    List<Plan> gradients = new ArrayList<>(all.subList(0, all.size() - 1));
    Plan last = plans.step();
    if (!device.isAsynchronous()) {
      return new StepPlans(gradients, last);
    }
    int begin = 0;
    while (!(last.ops().get(begin) instanceof Op.GlobalNorm)) {
      begin++;
    }
    List<Op> ops = last.ops();
    gradients.add(last.part(last.name(), ops.subList(0, begin), List.of(plans.loss())));
    return new StepPlans(
        gradients, last.part(last.name(), ops.subList(begin, ops.size()), List.of(plans.norm())));
  }

  /** Every plan that training runs, each once: those of steps, the evaluation, the refresh. */
  List<Plan> all(TrainingPlans plans) {
    Set<Plan> all = Collections.newSetFromMap(new IdentityHashMap<>());
    all.addAll(gradients);
    all.add(update);
    all.add(plans.evaluation());
    plans.refresh().ifPresent(all::add);
    return List.copyOf(all);
  }
}
