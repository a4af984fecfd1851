package dev.anneal.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Multiplication;
import dev.anneal.plan.Op;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import dev.anneal.run.Devices;
import org.junit.jupiter.api.Test;

class OpBenchTest {
  private static Tensor tensor(String name) {
    return new Tensor(name, DType.F32, Shape.of(8, 8), Arena.INPUTS);
  }

  /** A bench in tf32 that multiplied as in fp32 would give tf32 the limits of fp32. */
  @Test
  void whatIsTimedMultipliesAsAStepDoes() {
    Op product = new Op.MatmulBackwardWeight(tensor("dW"), tensor("dOut"), tensor("in"), false);
    try (Device cpu = Devices.open("cpu", 0, DeviceOptions.threads(1))) {
      for (Multiplication each : Multiplication.values()) {
        assertEquals(each, new OpBench(cpu, each).alone(product).multiplication());
      }
    }
  }
}
