package dev.anneal.launch;

import dev.anneal.device.Suits;
import dev.anneal.device.Suits.Feature;
import dev.anneal.launch.Version.Launching;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import java.util.List;

/**
 * The versions of the three products of a linear layer: {@link CudaMatmul}, {@link
 * TensorCoreMatmul}, {@link LibraryMatmul}; {@link OpenClMatmul}. What a library can do at once is
 * a version each, so that own kernels can do it, too.
 */
final class Matmul {
  private static final String TILES = "128 x 128 tiles in shared memory, 8 x 8 in registers";
  private static final String LOADS = "128-bit loads, the next tile loaded meanwhile";
  private static final String DEEP = "tensor cores, tiles 64 deep and without padding";
  private static final Suits BF16 = Suits.ALL.of(DType.BF16);
  private static final Suits LATER = BF16.needing(Feature.LATER_PRODUCTS);
  private static final Suits LIBRARY = Suits.ALL.needing(Feature.MATRIX_LIBRARY);

  private static final String SQUARES =
      "for GPUs: 64 x 64 results per work-group, through local memory, 4 x 4 per work-item";
  private static final String PANELS =
      "for CPUs: 8 x 32 results in vector registers, operands packed into panels";
  private static final String TALL_TILES =
      "for GPUs: 128 x 64 results per work-group, 8 x 4 per work-item, without bank conflicts, by"
          + " vectors, the next tile on its way";
  private static final String UNITS =
      "for GPUs with matrix units: 64 x 64 results per work-group, bf16 by bf16, weights in two"
          + " parts; v4 for other dtypes";
  private static final Suits MATRIX_UNITS = Ideas.GPUS.of(DType.BF16).needing(Feature.MATRIX_UNITS);

  /** From here on, the forward product with its bias. */
  static final Version<Op.MatmulForward, CudaContext> WITH_BIAS =
      library(", with the bias", LibraryMatmul::forward);

  /** From here on, with the residual sum after it, too. */
  static final Version<Op.MatmulForward, CudaContext> WITH_RESIDUAL =
      library(", with bias and residual", LibraryMatmul::forward);

  /** From here on, with the GELU after it, where there is one. */
  static final Version<Op.MatmulForward, CudaContext> WITH_GELU =
      library("", LibraryMatmul::forward);

  static final Kernel<Op.MatmulForward> FORWARD =
      new Kernel<>(
          "matmul_forward",
          Op.MatmulForward.class,
          List.of(
              Version.numbered(1, Ideas.PLAIN, CudaMatmul::forward),
              Version.numbered(2, TILES, CudaMatmul::forward),
              Version.numbered(3, LOADS, CudaMatmul::forward),
              Version.possibly(
                  Ideas.TENSOR_CORES,
                  BF16,
                  (op, context) -> TensorCoreMatmul.forward(TensorCoreMatmul.FIRST, op, context)),
              Version.possibly(
                  DEEP,
                  LATER,
                  (op, context) -> TensorCoreMatmul.forward(TensorCoreMatmul.DEEP, op, context)),
              library(", products alone where they are fp32", LibraryMatmul::forward),
              WITH_BIAS,
              WITH_RESIDUAL,
              WITH_GELU),
          List.of(
              Version.numbered(1, Ideas.PER_ELEMENT, OpenClMatmul::forward),
              Version.numbered(2, SQUARES, Ideas.GPUS, OpenClMatmul::forward),
              Version.of(PANELS, Ideas.CPUS, OpenClMatmul::forwardPacked),
              Version.numbered(4, TALL_TILES, Ideas.GPUS, OpenClMatmul::forward),
              Version.numbered(5, UNITS, MATRIX_UNITS, OpenClMatmul::forward)));

  /** From here on, a product of the backward pass with the gradient of the GELU before it. */
  static final Version<Op.MatmulBackwardInput, CudaContext> INPUT_THROUGH_GELU =
      library("", LibraryMatmul::backwardInput);

  static final Kernel<Op.MatmulBackwardInput> BACKWARD_INPUT =
      new Kernel<>(
          "matmul_backward_input",
          Op.MatmulBackwardInput.class,
          List.of(
              Version.numbered(1, Ideas.PLAIN, CudaMatmul::backwardInput),
              Version.numbered(2, TILES, CudaMatmul::backwardInput),
              Version.numbered(3, LOADS, CudaMatmul::backwardInput),
              Version.possibly(
                  Ideas.TENSOR_CORES,
                  BF16,
                  (op, context) ->
                      TensorCoreMatmul.backwardInput(TensorCoreMatmul.FIRST, op, context)),
              Version.possibly(
                  DEEP,
                  LATER,
                  (op, context) ->
                      TensorCoreMatmul.backwardInput(TensorCoreMatmul.DEEP, op, context)),
              library(", products alone", LibraryMatmul::backwardInput),
              INPUT_THROUGH_GELU),
          List.of(
              Version.numbered(1, Ideas.PER_ELEMENT, OpenClMatmul::backwardInput),
              Version.numbered(2, SQUARES, Ideas.GPUS, OpenClMatmul::backwardInput),
              Version.numbered(3, PANELS, Ideas.CPUS, OpenClMatmul::backwardInput),
              Version.numbered(4, TALL_TILES, Ideas.GPUS, OpenClMatmul::backwardInput),
              Version.numbered(5, UNITS, MATRIX_UNITS, OpenClMatmul::backwardInput)));

  /** From here on, the gradient of a weight with that of the bias. */
  static final Version<Op.MatmulBackwardWeight, CudaContext> WEIGHT_WITH_BIAS =
      library("", LibraryMatmul::backwardWeight);

  static final Kernel<Op.MatmulBackwardWeight> BACKWARD_WEIGHT =
      new Kernel<>(
          "matmul_backward_weight",
          Op.MatmulBackwardWeight.class,
          List.of(
              Version.numbered(1, Ideas.PLAIN, CudaMatmul::backwardWeight),
              Version.numbered(2, TILES, CudaMatmul::backwardWeight),
              Version.of(LOADS + ", tokens split among blocks", CudaMatmul::splitBackwardWeight),
              Version.possibly(
                  Ideas.TENSOR_CORES,
                  BF16,
                  (op, context) ->
                      TensorCoreMatmul.backwardWeight(TensorCoreMatmul.FIRST, op, context)),
              Version.possibly(
                  DEEP,
                  LATER,
                  (op, context) ->
                      TensorCoreMatmul.backwardWeight(TensorCoreMatmul.DEEP, op, context)),
              library(", products alone", LibraryMatmul::backwardWeight),
              WEIGHT_WITH_BIAS),
          List.of(
              Version.numbered(1, Ideas.PER_ELEMENT, OpenClMatmul::backwardWeight),
              Version.numbered(2, SQUARES, Ideas.GPUS, OpenClMatmul::backwardWeight),
              Version.of(PANELS, Ideas.CPUS, OpenClMatmul::backwardWeightPacked),
              Version.numbered(4, TALL_TILES, Ideas.GPUS, OpenClMatmul::backwardWeight),
              Version.numbered(5, UNITS, MATRIX_UNITS, OpenClMatmul::backwardWeight)));

  private Matmul() {}

  private static <O extends Op> Version<O, CudaContext> library(
      String idea, Launching<O, CudaContext> launching) {
    return new Version<>(name -> name + idea, LIBRARY, launching);
  }

  /** A product's three sizes. */
  record Sizes(int m, int n, int k) {
    static Sizes of(Op.MatmulForward op) {
      return new Sizes(
          Math.toIntExact(op.in().shape().rows()),
          op.out().shape().dim(-1),
          op.in().shape().dim(-1));
    }

    static Sizes of(Op.MatmulBackwardInput op) {
      return new Sizes(
          Math.toIntExact(op.dIn().shape().rows()),
          op.dOut().shape().dim(-1),
          op.dIn().shape().dim(-1));
    }

    static Sizes of(Op.MatmulBackwardWeight op) {
      return new Sizes(
          Math.toIntExact(op.in().shape().rows()),
          op.dOut().shape().dim(-1),
          op.in().shape().dim(-1));
    }
  }
}
