package dev.anneal.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.gpu.Bindings;
import dev.anneal.gpu.BlasLtFunction;
import dev.anneal.gpu.CFunction;
import dev.anneal.gpu.CompilerFunction;
import dev.anneal.gpu.HeaderConstant;
import dev.anneal.gpu.Headers;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;

/** Every number and function of NVIDIA's that is bound here, against NVIDIA's own headers. */
@ResourceLock("double of CUDA")
class CudaHeadersTest {
  private static final Headers HEADERS = Headers.nvidia();

  /**
   * Numbers of these packages that are nobody's but ours; a new one is named here, or a header's.
   */
  private static final List<String> OURS =
      List.of(
          "BlasLtAlgorithms.MOST",
          "CublasLt.FIRST_WITH_GELU",
          "CublasLt.LAST_WITH_GELU",
          "CublasLt.TEXT_BYTES",
          "CudaBackend.NAME_BYTES",
          "CudaDriver.ADA",
          "CudaDriver.AMPERE",
          "CudaDriver.CHUNK",
          "CudnnAttention.ALIGNMENT",
          "CudnnAttention.CLEARS_ITSELF",
          "CudnnAttention.HEAD_MULTIPLE",
          "CudnnAttention.MASKS_WITH_INFINITY",
          "CudnnAttention.RUNS",
          "CudnnAttention.RUNS_OF_NOTED",
          "CudnnAttention.WIDEST_HEAD",
          "CudnnException.serialVersionUID",
          "CudnnLibrary.MAJOR",
          "CudnnLibrary.TEXT_BYTES",
          "CudnnLowering.ALIGNMENT",
          "CudnnPlan.MOST_NOTES",
          "PlannedCuda.FIRST",
          "TensorCores.BACKWARD_LOOP",
          "TensorCores.BF16_BYTES",
          "TensorCores.DEPTH",
          "TensorCores.FIRST",
          "TensorCores.FLOAT_BYTES",
          "TensorCores.FORWARD_ROWS",
          "TensorCores.THREADS",
          "TensorCores.TILE");

  @Test
  void everyNumberIsTheHeadersOwn() throws Exception {
    List<HeaderConstant> bound = Bindings.of("cuda").numbers();
    assertTrue(bound.size() > 90, bound::toString);
    for (HeaderConstant number : bound) {
      assertEquals(HEADERS.numbers().get(number.name()), number.value(), number::name);
    }
  }

  @Test
  void noNumberIsWithoutAName() throws Exception {
    TreeSet<String> found = Bindings.of("cuda").integers();
    Bindings.of("gpu").integers().stream()
        .filter(name -> name.startsWith("BlasLt") || name.startsWith("Compiler"))
        .forEach(found::add);
    assertEquals(String.join("\n", OURS), String.join("\n", found));
  }

  @Test
  void everyFunctionIsCalledAsTheHeaderDeclaresIt() throws Exception {
    List<CFunction> bound = new ArrayList<>(Bindings.of("cuda").functions());
    for (BlasLtFunction function : BlasLtFunction.values()) {
      bound.add(function.of("cublasLt"));
    }
    EnumSet.complementOf(EnumSet.of(CompilerFunction.GET_CODE, CompilerFunction.GET_CODE_SIZE))
        .forEach(function -> bound.add(function.of("nvrtc")));
    bound.add(CompilerFunction.errorString("nvrtc"));
    assertTrue(bound.size() > 40, bound::toString);
    for (CFunction function : bound) {
      assertTrue(
          HEADERS.forms(function.name()).stream()
              .anyMatch(form -> Headers.fits(form, function.type())),
          () -> function + " is declared as " + HEADERS.forms(function.name()));
    }
  }

  /** The header's macros give some functions a symbol of another name. */
  @Test
  void theDriversFunctionsAreInTheHeader() {
    for (String function : DriverProbe.FUNCTIONS) {
      assertTrue(HEADERS.has(function.replaceFirst("(_v\\d|WithFlags)$", "")), function);
    }
  }

  /** JCuda's are of CUDA 12.6, so this also says that CUDA 13 has them still. */
  @Test
  void theNumbersOfJCudaAreTheHeadersOwn() {
    for (String type :
        List.of(
            "CUresult",
            "CUdevice_attribute",
            "CUfunction_attribute",
            "CUstream_flags",
            "CUstreamCaptureMode",
            "CUevent_flags")) {
      Map<String, Integer> theirs = Headers.constants("/jcuda/driver/" + type + ".class");
      theirs.keySet().retainAll(HEADERS.numbers().keySet());
      assertTrue(theirs.size() > 1, type);
      theirs.forEach((name, value) -> assertEquals(HEADERS.numbers().get(name), value, name));
    }
  }
}
