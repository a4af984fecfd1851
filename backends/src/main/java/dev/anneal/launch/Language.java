package dev.anneal.launch;

import dev.anneal.plan.Op;
import java.util.List;

/** What kernels are written in. */
public enum Language {
  /** CUDA C++, which HIP compiles, too. */
  CUDA,
  OPENCL;

  <O extends Op> List<? extends Version<O, ?>> versions(Kernel<O> kernel) {
    return switch (this) {
      case CUDA -> kernel.cuda();
      case OPENCL -> kernel.openCl();
    };
  }
}
