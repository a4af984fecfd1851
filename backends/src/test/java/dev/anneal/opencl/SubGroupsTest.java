package dev.anneal.opencl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.KernelFamily;
import dev.anneal.device.Suits;
import dev.anneal.failure.Failure;
import dev.anneal.launch.KernelVersions;
import dev.anneal.launch.Language;
import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpCases;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;

/** Sums by exchanges between lanes, on the first OpenCL device here, which emulates those. */
@ResourceLock("OpenCL")
class SubGroupsTest {

  private static List<OpRun> cases() {
    return OpCases.small()
        .filter(
            run ->
                switch (run.op()) {
                  case Op.LayerNormForward o -> true;
                  case Op.LayerNormBackward o -> true;
                  case Op.RmsNormForward o -> true;
                  case Op.RmsNormBackward o -> true;
                  case Op.CrossEntropyForward o -> true;
                  case Op.GlobalNorm o -> true;
                  case Op.MeanForward o -> true;
                  default -> false;
                })
        .toList();
  }

  private static Map<String, Integer> exchanging(Op op) {
    for (KernelFamily family : KernelVersions.everywhere(Language.OPENCL)) {
      if (family.op().isInstance(op)) {
        for (int v = 1; v <= family.versions(); v++) {
          if (family.version(v).suits().needs().contains(Suits.Feature.SUB_GROUPS)) {
            return Map.of(family.name(), v);
          }
        }
      }
    }
    throw new AssertionError(op);
  }

  /** Groups of 8 end in local memory, those of 32 in a second round of exchanges. */
  @Test
  void sumsAreRightAndHaveTheSameBitsAtEverySizeOfSubGroup() {
    List<Map<Tensor, float[]>> first = new ArrayList<>();
    for (int size : new int[] {8, 32, 24}) {
      try (OpenClDevice device =
          FirstDevice.here().plainly().asGpu().with(SubGroups.emulated(size)).open()) {
        List<OpRun> runs = cases();
        assertEquals(9, runs.size());
        for (int i = 0; i < runs.size(); i++) {
          OpRun run = runs.get(i);
          device.chooseKernels(exchanging(run.op()));
          Map<Tensor, float[]> results = run.on(device);
          if (first.size() == i) {
            assertEquals(
                Optional.empty(), OpAccuracy.firstError(run, run.reference(), results), run + "");
            first.add(results);
          }
          for (Tensor tensor : run.results()) {
            assertArrayEquals(
                first.get(i).get(tensor), results.get(tensor), run + " in groups of " + size);
          }
        }
      }
    }
  }

  @Test
  void onlyDevicesThatOfferThemGetThem() {
    String khronos = "cl_khr_fp16 cl_khr_subgroups cl_khr_subgroup_shuffle";
    assertEquals(
        new SubGroups("-DSUB_GROUPS=1", "CL3.0"),
        SubGroups.of(khronos, "Intel(R) Corporation", "OpenCL 3.0 NEO"));
    assertEquals(
        new SubGroups("-DSUB_GROUPS=2", "CL1.2"),
        SubGroups.of("cl_intel_subgroups", "Intel(R) Corporation", "OpenCL 1.2 NEO"));
    assertEquals(
        new SubGroups("-DSUB_GROUPS=3", "CL2.0"),
        SubGroups.of(
            "cl_khr_subgroups", "Advanced Micro Devices, Inc.", "OpenCL 2.0 AMD-APP (3581.0)"));
    assertEquals(
        new SubGroups("-DSUB_GROUPS=4", "CL1.2"),
        SubGroups.of("cl_khr_icd", "NVIDIA Corporation", "OpenCL 3.0 CUDA"));
    // Without exchanges the order of adding is the device's.
    assertEquals(SubGroups.NONE, SubGroups.of("cl_khr_subgroups", "ARM", "OpenCL 3.0 v1"));
    assertEquals(SubGroups.NONE, SubGroups.of("", "Apple", "OpenCL 1.2"));
  }

  @Test
  void otherDevicesKeepTheVersionBeforeAndSayWhy() {
    try (OpenClDevice device = FirstDevice.here().plainly().asGpu().with(SubGroups.NONE).open()) {
      assertEquals(2, device.kernelVersions().get("layernorm_forward"));
      Failure failure =
          assertThrows(Failure.class, () -> device.chooseKernels(Map.of("layernorm_forward", 4)));
      assertTrue(failure.getMessage().contains("needs sub-groups"), failure.getMessage());
    }
  }

  /** A driver that lists what its compiler does not know. */
  @Test
  void whatDoesNotCompileStepsDownAndSaysSo() {
    SubGroups claimed = new SubGroups("-DSUB_GROUPS=2", SubGroups.PLAIN);
    try (OpenClDevice device = FirstDevice.here().plainly().asGpu().with(claimed).open()) {
      assertEquals(4, device.kernelVersions().get("layernorm_forward"));
      OpRun run = cases().getFirst();
      assertEquals(Optional.empty(), OpAccuracy.firstError(run, run.reference(), run.on(device)));
      assertEquals(2, device.kernelVersions().get("layernorm_forward"));
      String note = device.notes().getFirst();
      assertTrue(note.contains("so layernorm_forward runs as v2 in place of v4"), note);
      assertFalse(note.contains("\n"), note);
    }
  }
}
