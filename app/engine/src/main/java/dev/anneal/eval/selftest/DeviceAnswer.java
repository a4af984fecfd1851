package dev.anneal.eval.selftest;

import dev.anneal.device.Device;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.util.Map;

/** Whether a device that gave an error still does what it is told. */
final class DeviceAnswer {
  private static final float VALUE = 3;
  private static final Tensor OUT = new Tensor("out", DType.F32, Shape.of(1), Arena.INPUTS);

  private DeviceAnswer() {}

  /** After some errors, every call fails, and only another context can help. */
  static boolean lost(Device device) {
    try {
      Map<Tensor, float[]> results = new OpRun(new Op.Fill(OUT, VALUE), 1).on(device);
      return results.values().stream().anyMatch(values -> values[0] != VALUE);
    } catch (RuntimeException e) {
      return true;
    }
  }
}
