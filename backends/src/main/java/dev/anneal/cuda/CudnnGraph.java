package dev.anneal.cuda;

import dev.anneal.gpu.HeaderConstant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Operations on tensors of four dimensions (batch, head, row, column), as cuDNN is told of them.
 * Its fused engines know some graphs by heart and take no others, so the order of operations and
 * the types between them matter.
 */
final class CudnnGraph {

  /** Number formats, by the numbers that cuDNN has for them. */
  enum Type {
    FLOAT("CUDNN_DATA_FLOAT", 0, 4),
    HALF("CUDNN_DATA_HALF", 2, 2),
    INT32("CUDNN_DATA_INT32", 4, 4),
    BFLOAT16("CUDNN_DATA_BFLOAT16", 9, 2),
    BOOLEAN("CUDNN_DATA_BOOLEAN", 11, 1);

    private final HeaderConstant number;
    private final int bytes;

    Type(String header, int number, int bytes) {
      this.number = new HeaderConstant(header, number);
      this.bytes = bytes;
    }

    HeaderConstant number() {
      return number;
    }

    int bytes() {
      return bytes;
    }
  }

  /** What happens to elements, by the numbers that cuDNN has for it. */
  enum Mode {
    ADD("CUDNN_POINTWISE_ADD", 0),
    MULTIPLY("CUDNN_POINTWISE_MUL", 1),
    DIVIDE("CUDNN_POINTWISE_DIV", 6),
    SUBTRACT("CUDNN_POINTWISE_SUB", 9),
    EXP("CUDNN_POINTWISE_EXP", 13),
    LOG("CUDNN_POINTWISE_LOG", 15),
    IDENTITY("CUDNN_POINTWISE_IDENTITY", 21),
    NOT_BELOW("CUDNN_POINTWISE_CMP_GE", 303),
    INDEX("CUDNN_POINTWISE_GEN_INDEX", 501),
    SELECT("CUDNN_POINTWISE_BINARY_SELECT", 601);

    private final HeaderConstant number;

    Mode(String header, int number) {
      this.number = new HeaderConstant(header, number);
    }

    HeaderConstant number() {
      return number;
    }
  }

  /** How a row becomes one number. */
  enum Reduction {
    ADD("CUDNN_REDUCE_TENSOR_ADD", 0),
    MAX("CUDNN_REDUCE_TENSOR_MAX", 3);

    private final HeaderConstant number;

    Reduction(String header, int number) {
      this.number = new HeaderConstant(header, number);
    }

    HeaderConstant number() {
      return number;
    }
  }

  /** Where a tensor is. */
  enum Place {
    /** In device memory. */
    MEMORY,
    /** Nowhere: it is between two operations. */
    VIRTUAL,
    /** One number in host memory. */
    HOST
  }

  /** Four sizes, or what it is from one element to the next in each direction. */
  record Four(long batch, long head, long row, long column) {
    long[] array() {
      return new long[] {batch, head, row, column};
    }

    /** Of a tensor of these sizes without gaps. */
    Four dense() {
      return new Four(head * row * column, row * column, column, 1);
    }

    Four transposed() {
      return new Four(batch, head, column, row);
    }

    Four withColumns(long columns) {
      return new Four(batch, head, row, columns);
    }

    long elements() {
      return batch * head * row * column;
    }
  }

  /**
   * A tensor of a graph.
   *
   * @param id its own in the graph
   */
  record Tensor(long id, Type type, Four sizes, Four strides, Place place) {}

  /** An operation of a graph, in the order in which cuDNN is told. */
  sealed interface Operation {}

  /** y = mode(x, b), or b where t is false: elements of size 1 are repeated. */
  record Pointwise(
      Mode mode, Type compute, Tensor x, Optional<Tensor> b, Optional<Tensor> t, Tensor y, int axis)
      implements Operation {}

  /** c (row, column) = a (row, k) b (k, column). */
  record Product(Tensor a, Tensor b, Tensor c) implements Operation {}

  /** y (row, 1) = all columns of x (row, column). */
  record Reduce(Reduction mode, Tensor x, Tensor y) implements Operation {}

  /** y is x seen with other sizes and strides. */
  record Reshape(Tensor x, Tensor y) implements Operation {}

  private final List<Tensor> tensors = new ArrayList<>();
  private final List<Operation> operations = new ArrayList<>();

  List<Tensor> tensors() {
    return List.copyOf(tensors);
  }

  List<Operation> operations() {
    return List.copyOf(operations);
  }

  private Tensor tensor(Type type, Four sizes, Four strides, Place place) {
    Tensor tensor = new Tensor(tensors.size() + 1, type, sizes, strides, place);
    tensors.add(tensor);
    return tensor;
  }

  /** A tensor in device memory. */
  Tensor memory(Type type, Four sizes, Four strides) {
    return tensor(type, sizes, strides, Place.MEMORY);
  }

  /** A float in host memory. */
  Tensor number() {
    Four one = new Four(1, 1, 1, 1);
    return tensor(Type.FLOAT, one, one, Place.HOST);
  }

  private Tensor between(Type type, Four sizes) {
    return tensor(type, sizes, sizes.dense(), Place.VIRTUAL);
  }

  Tensor pointwise(Mode mode, Tensor x) {
    return into(between(Type.FLOAT, x.sizes()), mode, x, Optional.empty());
  }

  Tensor pointwise(Mode mode, Tensor x, Tensor b) {
    return pointwise(Type.FLOAT, mode, x, b);
  }

  /** The same, with a result of {@code type} that is between two operations. */
  Tensor pointwise(Type type, Mode mode, Tensor x, Tensor b) {
    return into(between(type, x.sizes()), mode, x, Optional.of(b));
  }

  Tensor into(Tensor y, Mode mode, Tensor x, Optional<Tensor> b) {
    operations.add(new Pointwise(mode, Type.FLOAT, x, b, Optional.empty(), y, 0));
    return y;
  }

  /** x where a row's index is not below its column's, else {@code masked}. */
  Tensor causal(Tensor x, Tensor masked) {
    Tensor row = index(x, 2);
    Tensor column = index(x, 3);
    Tensor mask = between(Type.BOOLEAN, x.sizes());
    operations.add(
        new Pointwise(
            Mode.NOT_BELOW, Type.BOOLEAN, row, Optional.of(column), Optional.empty(), mask, 0));
    Tensor y = between(Type.FLOAT, x.sizes());
    operations.add(
        new Pointwise(Mode.SELECT, Type.FLOAT, x, Optional.of(masked), Optional.of(mask), y, 0));
    return y;
  }

  private Tensor index(Tensor x, int axis) {
    Tensor y = between(Type.INT32, x.sizes());
    operations.add(
        new Pointwise(Mode.INDEX, Type.FLOAT, x, Optional.empty(), Optional.empty(), y, axis));
    return y;
  }

  Tensor product(Tensor a, Tensor b) {
    Four sizes = a.sizes().withColumns(b.sizes().column());
    return product(a, b, between(Type.FLOAT, sizes));
  }

  Tensor product(Tensor a, Tensor b, Tensor into) {
    operations.add(new Product(a, b, into));
    return into;
  }

  Tensor reduce(Reduction mode, Tensor x) {
    Tensor y = between(Type.FLOAT, x.sizes().withColumns(1));
    operations.add(new Reduce(mode, x, y));
    return y;
  }

  /** xᵀ of every head: the same memory, seen otherwise; as {@code type}. */
  Tensor transposed(Type type, Tensor x) {
    Tensor y = tensor(type, x.sizes().transposed(), x.strides().transposed(), Place.VIRTUAL);
    operations.add(new Reshape(x, y));
    return y;
  }
}
