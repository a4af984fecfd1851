package dev.anneal.cuda;

import static dev.anneal.cuda.CudnnAttribute.Type.BOOLEAN;
import static dev.anneal.cuda.CudnnAttribute.Type.DATA_TYPE;
import static dev.anneal.cuda.CudnnAttribute.Type.DESCRIPTOR;
import static dev.anneal.cuda.CudnnAttribute.Type.HANDLE;
import static dev.anneal.cuda.CudnnAttribute.Type.HEURISTIC_MODE;
import static dev.anneal.cuda.CudnnAttribute.Type.INT64;
import static dev.anneal.cuda.CudnnAttribute.Type.NOTE;
import static dev.anneal.cuda.CudnnAttribute.Type.POINTER;
import static dev.anneal.cuda.CudnnAttribute.Type.POINTWISE_MODE;
import static dev.anneal.cuda.CudnnAttribute.Type.REDUCTION_MODE;

/** The attributes of descriptors that are used here, by the numbers that cuDNN 9 has for them. */
enum CudnnAttribute {
  POINTWISE_MODE_OF(0, POINTWISE_MODE),
  POINTWISE_COMPUTE(1, DATA_TYPE),
  POINTWISE_AXIS(9, INT64),
  HEURISTICS_MODE(200, HEURISTIC_MODE),
  HEURISTICS_GRAPH(201, DESCRIPTOR),
  HEURISTICS_RESULTS(202, DESCRIPTOR),
  CONFIG_ENGINE(300, DESCRIPTOR),
  PLAN_HANDLE(400, HANDLE),
  PLAN_CONFIG(401, DESCRIPTOR),
  PLAN_WORKSPACE_BYTES(402, INT64),
  OPERATION_POINTWISE_OF(750, DESCRIPTOR),
  OPERATION_POINTWISE_X(751, DESCRIPTOR),
  OPERATION_POINTWISE_B(752, DESCRIPTOR),
  OPERATION_POINTWISE_Y(753, DESCRIPTOR),
  OPERATION_POINTWISE_T(758, DESCRIPTOR),
  GRAPH_HANDLE(800, HANDLE),
  GRAPH_OPERATIONS(801, DESCRIPTOR),
  TENSOR_ALIGNMENT(900, INT64),
  TENSOR_TYPE(901, DATA_TYPE),
  TENSOR_DIMS(902, INT64),
  TENSOR_STRIDES(903, INT64),
  TENSOR_ID(906, INT64),
  TENSOR_VIRTUAL(907, BOOLEAN),
  TENSOR_BY_VALUE(908, BOOLEAN),
  PACK_IDS(1000, INT64),
  PACK_POINTERS(1001, POINTER),
  PACK_WORKSPACE(1003, POINTER),
  ENGINE_NOTES(1302, NOTE),
  MATMUL_COMPUTE(1500, DATA_TYPE),
  OPERATION_MATMUL_A(1520, DESCRIPTOR),
  OPERATION_MATMUL_B(1521, DESCRIPTOR),
  OPERATION_MATMUL_C(1522, DESCRIPTOR),
  OPERATION_MATMUL_OF(1523, DESCRIPTOR),
  REDUCTION_MODE_OF(1600, REDUCTION_MODE),
  REDUCTION_COMPUTE(1601, DATA_TYPE),
  OPERATION_REDUCTION_X(1610, DESCRIPTOR),
  OPERATION_REDUCTION_Y(1611, DESCRIPTOR),
  OPERATION_REDUCTION_OF(1612, DESCRIPTOR),
  OPERATION_RESHAPE_X(2200, DESCRIPTOR),
  OPERATION_RESHAPE_Y(2201, DESCRIPTOR);

  /** What an attribute's elements are. */
  enum Type {
    HANDLE(0, 8),
    DATA_TYPE(1, 4),
    BOOLEAN(2, 1),
    INT64(3, 8),
    POINTER(6, 8),
    HEURISTIC_MODE(8, 4),
    NOTE(11, 4),
    POINTWISE_MODE(14, 4),
    DESCRIPTOR(15, 8),
    REDUCTION_MODE(18, 4);

    private final int code;
    private final int bytes;

    Type(int code, int bytes) {
      this.code = code;
      this.bytes = bytes;
    }

    int code() {
      return code;
    }

    /** Of one element. */
    int bytes() {
      return bytes;
    }
  }

  private final int code;
  private final Type type;

  CudnnAttribute(int code, Type type) {
    this.code = code;
    this.type = type;
  }

  int code() {
    return code;
  }

  Type type() {
    return type;
  }
}
