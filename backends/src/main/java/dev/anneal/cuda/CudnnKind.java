package dev.anneal.cuda;

/** The kinds of descriptors that are used here, by the numbers that cuDNN 9 has for them. */
enum CudnnKind {
  POINTWISE(0),
  ENGINE(2),
  ENGINE_CONFIG(3),
  ENGINE_HEURISTICS(4),
  EXECUTION_PLAN(5),
  OPERATION_POINTWISE(13),
  OPERATION_GRAPH(15),
  VARIANT_PACK(16),
  TENSOR(17),
  MATMUL(18),
  OPERATION_MATMUL(19),
  REDUCTION(21),
  OPERATION_REDUCTION(22),
  OPERATION_RESHAPE(31);

  private final int code;

  CudnnKind(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }
}
