package dev.anneal.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.anneal.plan.Op;
import dev.anneal.plan.OpKinds;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The one list of kernels. */
class KernelListTest {
  @Test
  void hasOneKernelForEveryOp() {
    List<Class<?>> listed = Kernels.ALL.stream().<Class<?>>map(Kernel::op).toList();
    assertEquals(List.of(), OpKinds.missing(OpKinds.all(), listed));
    assertEquals(OpKinds.all().size(), listed.size());
    assertEquals(listed.size(), Kernels.ALL.stream().map(Kernel::name).distinct().count());
  }

  /** Products of 8 bits are CUDA's and HIP's alone. */
  @Test
  void everyOpHasAVersionInEachLanguage() {
    for (Kernel<?> kernel : Kernels.ALL) {
      assertFalse(kernel.cuda().isEmpty(), kernel.name());
      assertEquals(
          Op.EightBit.class.isAssignableFrom(kernel.op()),
          kernel.openCl().isEmpty(),
          kernel.name());
    }
  }
}
