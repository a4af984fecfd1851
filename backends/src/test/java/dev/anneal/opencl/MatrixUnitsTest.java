package dev.anneal.opencl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.ops.OpAccuracy;
import dev.anneal.ops.OpCases;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Op;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.lwjgl.opencl.INTELRequiredSubgroupSize;
import org.lwjgl.opencl.NVDeviceAttributeQuery;

/** Products by matrix units, on the first OpenCL device here, which emulates their instructions. */
@ResourceLock("OpenCL")
class MatrixUnitsTest {
  private static final List<String> INTEL =
      List.of(
          "cl_intel_subgroups",
          "cl_intel_required_subgroup_size",
          "cl_intel_subgroup_matrix_multiply_accumulate");
  private static final Map<String, Integer> UNITS =
      Map.of("matmul_forward", 5, "matmul_backward_input", 5, "matmul_backward_weight", 5);

  /** Of fewer numbers than a vector, of several tiles that are not full, and of whole vectors. */
  private static final Set<Long> ROWS = Set.of(3L, 67L, 260L);

  private static Stream<OpRun> products() {
    return OpCases.all()
        .filter(
            run ->
                run.op() instanceof Op.MatmulForward
                    || run.op() instanceof Op.MatmulBackwardInput
                    || run.op() instanceof Op.MatmulBackwardWeight)
        .filter(run -> ROWS.contains(run.op().reads().getFirst().shape().rows()));
  }

  /** At shapes around every tile, with the tolerances that every version has. */
  @Test
  void everyUnitsProductsAreRight() {
    for (MatrixUnits units :
        List.of(MatrixUnits.intel(INTEL, 16), MatrixUnits.intel(INTEL, 8), MatrixUnits.nvidia(9))) {
      try (OpenClDevice device =
          FirstDevice.here().plainly().asGpu().with(units.emulated()).open()) {
        assertEquals(5, device.kernelVersions().get("matmul_forward"));
        List<OpRun> runs = products().map(run -> run.stored(Precision.BF16)).toList();
        for (OpRun run : runs) {
          Map<Tensor, float[]> results = run.on(device);
          assertEquals(
              Optional.empty(),
              OpAccuracy.firstError(run, run.reference(), results),
              () -> units + " " + run);
        }
        assertEquals(List.of(), device.notes());
      }
    }
  }

  /** Products of fp32 and fp16 are version 4's, bit for bit. */
  @Test
  void otherDtypesLoseNothing() {
    MatrixUnits units = MatrixUnits.nvidia(8).emulated();
    try (OpenClDevice device = FirstDevice.here().plainly().asGpu().with(units).open()) {
      for (Precision precision : List.of(Precision.FP32, Precision.FP16)) {
        for (OpRun run : products().limit(18).toList()) {
          OpRun stored = precision == Precision.FP32 ? run : run.stored(precision);
          device.chooseKernels(UNITS);
          Map<Tensor, float[]> some = stored.on(device);
          UNITS.keySet().forEach(kernel -> device.chooseKernels(Map.of(kernel, 4)));
          Map<Tensor, float[]> others = stored.on(device);
          for (Tensor tensor : stored.results()) {
            assertArrayEquals(others.get(tensor), some.get(tensor), stored + "");
          }
        }
      }
    }
  }

  /** Also where what is refused is version 4's kernel, which fp32 has. */
  @Test
  void whatTheDriverRefusesStepsDown() {
    KernelProbe refuses =
        launch ->
            launch.kernel().equals("matmul_forward_v4") || launch.kernel().endsWith("_v5")
                ? Optional.of("CL_OUT_OF_RESOURCES")
                : Optional.empty();
    MatrixUnits units = MatrixUnits.nvidia(8).emulated();
    try (OpenClDevice device =
        FirstDevice.here().plainly().asGpu().with(units).with(refuses).open()) {
      OpRun run = products().findFirst().orElseThrow();
      assertEquals(Optional.empty(), OpAccuracy.firstError(run, run.reference(), run.on(device)));
      assertEquals(2, device.kernelVersions().get("matmul_forward"));
      assertEquals(5, device.kernelVersions().get("matmul_backward_input"));
      assertEquals(2, device.notes().size(), device.notes() + "");
    }
  }

  @Test
  void onlyDevicesThatHaveThemUseThem() {
    assertEquals(
        INTELRequiredSubgroupSize.CL_DEVICE_SUB_GROUP_SIZES_INTEL,
        DeviceHandle.SUB_GROUP_SIZES_INTEL);
    assertEquals(
        NVDeviceAttributeQuery.CL_DEVICE_COMPUTE_CAPABILITY_MAJOR_NV,
        DeviceHandle.COMPUTE_CAPABILITY_MAJOR_NV);
    assertEquals("-DUNITS=1", MatrixUnits.intel(INTEL, 16).definitions());
    assertEquals("-DUNITS=2", MatrixUnits.intel(INTEL, 8).definitions());
    assertEquals(MatrixUnits.NONE, MatrixUnits.intel(INTEL, 32));
    assertEquals(MatrixUnits.NONE, MatrixUnits.intel(INTEL.subList(0, 2), 8));
    assertEquals("-DUNITS=3", MatrixUnits.nvidia(12).definitions());
    assertEquals(MatrixUnits.NONE, MatrixUnits.nvidia(7));
    try (OpenClDevice device = FirstDevice.here().plainly().asGpu().with(MatrixUnits.NONE).open()) {
      assertTrue(device.kernelVersions().get("matmul_forward") == 4);
    }
  }
}
