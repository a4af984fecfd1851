package dev.anneal.cuda;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * From a {@link CudnnGraph} to cuDNN's descriptors. These go when it is closed: nobody needs them
 * after a plan was made of them.
 */
final class CudnnLowering implements AutoCloseable {
  /** Bytes that every tensor's first element in memory is a multiple of. */
  private static final long ALIGNMENT = 16;

  private final CudnnLibrary library;
  private final List<MemorySegment> made = new ArrayList<>();

  CudnnLowering(CudnnLibrary library) {
    this.library = library;
  }

  /** A descriptor that goes with this. */
  MemorySegment create(CudnnKind kind) {
    MemorySegment descriptor = library.create(kind);
    made.add(descriptor);
    return descriptor;
  }

  /** The descriptor of a whole graph. */
  MemorySegment lower(CudnnGraph graph) {
    Map<CudnnGraph.Tensor, MemorySegment> tensors = new HashMap<>();
    graph.tensors().forEach(t -> tensors.put(t, tensor(t)));
    List<MemorySegment> operations =
        graph.operations().stream().map(operation -> operation(operation, tensors)).toList();
    MemorySegment all = create(CudnnKind.OPERATION_GRAPH);
    library.set(all, CudnnAttribute.GRAPH_HANDLE, library.handle().address());
    library.set(all, CudnnAttribute.GRAPH_OPERATIONS, operations);
    library.finish(CudnnKind.OPERATION_GRAPH, all);
    return all;
  }

  private MemorySegment tensor(CudnnGraph.Tensor tensor) {
    MemorySegment made = create(CudnnKind.TENSOR);
    library.set(made, CudnnAttribute.TENSOR_ID, tensor.id());
    library.set(made, CudnnAttribute.TENSOR_TYPE, tensor.type().number());
    library.set(made, CudnnAttribute.TENSOR_DIMS, tensor.sizes().array());
    library.set(made, CudnnAttribute.TENSOR_STRIDES, tensor.strides().array());
    library.set(made, CudnnAttribute.TENSOR_ALIGNMENT, ALIGNMENT);
    switch (tensor.place()) {
      case MEMORY -> {}
      case VIRTUAL -> library.set(made, CudnnAttribute.TENSOR_VIRTUAL, 1);
      case HOST -> library.set(made, CudnnAttribute.TENSOR_BY_VALUE, 1);
    }
    library.finish(CudnnKind.TENSOR, made);
    return made;
  }

  private MemorySegment operation(
      CudnnGraph.Operation operation, Map<CudnnGraph.Tensor, MemorySegment> tensors) {
    return switch (operation) {
      case CudnnGraph.Pointwise p -> {
        MemorySegment how = create(CudnnKind.POINTWISE);
        library.set(how, CudnnAttribute.POINTWISE_MODE_OF, p.mode().number());
        library.set(how, CudnnAttribute.POINTWISE_COMPUTE, p.compute().number());
        if (p.mode() == CudnnGraph.Mode.INDEX) {
          library.set(how, CudnnAttribute.POINTWISE_AXIS, p.axis());
        }
        library.finish(CudnnKind.POINTWISE, how);
        MemorySegment made = create(CudnnKind.OPERATION_POINTWISE);
        library.set(made, CudnnAttribute.OPERATION_POINTWISE_OF, List.of(how));
        use(made, CudnnAttribute.OPERATION_POINTWISE_X, tensors, p.x());
        use(made, CudnnAttribute.OPERATION_POINTWISE_Y, tensors, p.y());
        p.b().ifPresent(b -> use(made, CudnnAttribute.OPERATION_POINTWISE_B, tensors, b));
        p.t().ifPresent(t -> use(made, CudnnAttribute.OPERATION_POINTWISE_T, tensors, t));
        library.finish(CudnnKind.OPERATION_POINTWISE, made);
        yield made;
      }
      case CudnnGraph.Product p -> {
        MemorySegment how = create(CudnnKind.MATMUL);
        library.set(how, CudnnAttribute.MATMUL_COMPUTE, CudnnGraph.Type.FLOAT.number());
        library.finish(CudnnKind.MATMUL, how);
        MemorySegment made = create(CudnnKind.OPERATION_MATMUL);
        library.set(made, CudnnAttribute.OPERATION_MATMUL_OF, List.of(how));
        use(made, CudnnAttribute.OPERATION_MATMUL_A, tensors, p.a());
        use(made, CudnnAttribute.OPERATION_MATMUL_B, tensors, p.b());
        use(made, CudnnAttribute.OPERATION_MATMUL_C, tensors, p.c());
        library.finish(CudnnKind.OPERATION_MATMUL, made);
        yield made;
      }
      case CudnnGraph.Reduce r -> {
        MemorySegment how = create(CudnnKind.REDUCTION);
        library.set(how, CudnnAttribute.REDUCTION_MODE_OF, r.mode().number());
        library.set(how, CudnnAttribute.REDUCTION_COMPUTE, CudnnGraph.Type.FLOAT.number());
        library.finish(CudnnKind.REDUCTION, how);
        MemorySegment made = create(CudnnKind.OPERATION_REDUCTION);
        library.set(made, CudnnAttribute.OPERATION_REDUCTION_OF, List.of(how));
        use(made, CudnnAttribute.OPERATION_REDUCTION_X, tensors, r.x());
        use(made, CudnnAttribute.OPERATION_REDUCTION_Y, tensors, r.y());
        library.finish(CudnnKind.OPERATION_REDUCTION, made);
        yield made;
      }
      case CudnnGraph.Reshape r -> {
        MemorySegment made = create(CudnnKind.OPERATION_RESHAPE);
        use(made, CudnnAttribute.OPERATION_RESHAPE_X, tensors, r.x());
        use(made, CudnnAttribute.OPERATION_RESHAPE_Y, tensors, r.y());
        library.finish(CudnnKind.OPERATION_RESHAPE, made);
        yield made;
      }
    };
  }

  private void use(
      MemorySegment operation,
      CudnnAttribute attribute,
      Map<CudnnGraph.Tensor, MemorySegment> tensors,
      CudnnGraph.Tensor tensor) {
    MemorySegment made = tensors.get(tensor);
    if (made == null) {
      throw new IllegalArgumentException(tensor + " is of another graph");
    }
    library.set(operation, attribute, List.of(made));
  }

  @Override
  public void close() {
    made.reversed().forEach(library::destroy);
  }
}
