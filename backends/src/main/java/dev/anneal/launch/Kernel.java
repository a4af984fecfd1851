package dev.anneal.launch;

import dev.anneal.plan.Op;
import java.util.List;

/**
 * What computes one kind of op: its versions in each language that kernels are written in, from
 * version 1, the plain one.
 *
 * @param name as on the command line, e.g. {@code layernorm_forward}
 * @param cuda in CUDA C++, which HIP compiles, too
 * @param openCl in OpenCL C
 */
record Kernel<O extends Op>(
    String name,
    Class<O> op,
    List<Version<O, CudaContext>> cuda,
    List<Version<O, OpenClContext>> openCl) {
  Kernel {
    cuda = List.copyOf(cuda);
    openCl = List.copyOf(openCl);
  }
}
