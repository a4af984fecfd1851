package dev.anneal.training;

import dev.anneal.device.Device;
import dev.anneal.device.Memory;
import dev.anneal.model.Model;
import dev.anneal.plan.Plan;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** A model's tables on a device: inputs that are written once, before the first run of a plan. */
public final class Constants {
  private Constants() {}

  /** Writes them where {@code plan} has them. */
  public static void write(
      List<Model.Constant> constants, Device device, Memory inputs, Plan plan) {
    for (Model.Constant constant : constants) {
      try (Arena once = Arena.ofConfined()) {
        MemorySegment floats = once.allocateFrom(ValueLayout.JAVA_FLOAT, constant.values().get());
        device.copyIn(inputs, plan.layout().offset(constant.tensor()), floats);
      }
    }
  }
}
