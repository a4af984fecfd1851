package dev.anneal.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.anneal.launch.MatrixKernels.LaterVersion;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Multiplication;
import dev.anneal.plan.Op;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When kernels for tensor cores are launched, and what instead when they are not. */
class TensorCoreChoiceTest {
  private static final MatrixKernels.Block BLOCK = new MatrixKernels.Block(128, 128, 0);
  private static final MatrixKernels.Attention ATTENTION =
      new MatrixKernels.Attention(BLOCK, BLOCK, BLOCK);
  private static final MatrixKernels KERNELS = new MatrixKernels(BLOCK, ATTENTION, ATTENTION);

  /** Versions that some tensor cores have are run on those, and elsewhere what all have. */
  @ParameterizedTest
  @CsvSource({"true, attention_forward_64_v4", "false, attention_forward_64_v3"})
  void laterVersions(boolean there, String kernel) {
    Set<LaterVersion> later = there ? Set.of(LaterVersion.ATTENTION) : Set.of();
    CudaContext context =
        context(
            new Hardware(
                64,
                64 << 10,
                64 << 10,
                Optional.of(new MatrixKernels(BLOCK, ATTENTION, ATTENTION, later))));
    Op op =
        new Op.AttentionForward(
            tensor(DType.BF16, 1, 10, 64),
            tensor(DType.F32, 1, 1, 10),
            tensor(DType.BF16, 1, 10, 192),
            1);
    assertEquals(kernel, first(op, context));
  }

  private static CudaContext context(Hardware hardware) {
    return new CudaContext(
        tensor -> 0,
        new KernelVersions(
            new CudaMachine("cuda", hardware, Optional.empty(), Optional.empty()), Language.CUDA),
        hardware,
        Multiplication.EXACT);
  }

  private static Tensor tensor(DType dtype, int... dims) {
    return new Tensor("x", dtype, Shape.of(dims), Arena.INPUTS);
  }

  private static String first(Op op, boolean tensorCores) {
    Optional<MatrixKernels> kernels = tensorCores ? Optional.of(KERNELS) : Optional.empty();
    return first(op, context(new Hardware(32, 48 << 10, 99 << 10, kernels)));
  }

  private static String first(Op op, CudaContext context) {
    return OpLaunches.of(List.of(op), context).getFirst().getFirst() instanceof Launch launch
        ? launch.kernel()
        : "no launch";
  }

  @ParameterizedTest
  @CsvSource({
    "BF16, 64, true, attention_forward_64_v3",
    "BF16, 128, true, attention_forward_128_v3",
    "BF16, 96, true, attention_forward_128_v2",
    "BF16, 200, true, attention_forward_v1",
    "F32, 64, true, attention_forward_64_v2",
    "BF16, 64, false, attention_forward_64_v2"
  })
  void attention(DType dtype, int hs, boolean tensorCores, String kernel) {
    Op op =
        new Op.AttentionForward(
            tensor(dtype, 1, 10, 2 * hs),
            tensor(DType.F32, 1, 2, 10),
            tensor(dtype, 1, 10, 6 * hs),
            2);
    assertEquals(kernel, first(op, tensorCores));
  }

  @ParameterizedTest
  @CsvSource({
    "BF16, 24, 40, true, matmul_forward_v4",
    "BF16, 25, 40, true, matmul_forward_v3",
    "BF16, 24, 44, true, matmul_forward_v3",
    "F32, 24, 40, true, matmul_forward_v3",
    "BF16, 24, 40, false, matmul_forward_v3"
  })
  void products(DType dtype, int n, int k, boolean tensorCores, String kernel) {
    Op op =
        new Op.MatmulForward(
            tensor(dtype, 1, 10, n),
            tensor(dtype, 1, 10, k),
            tensor(dtype, n, k),
            Optional.empty());
    assertEquals(kernel, first(op, tensorCores));
  }
}
