package dev.anneal.launch;

import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import java.util.List;
import java.util.Optional;

/** What an op's launches are made with. */
sealed interface LaunchContext<C extends LaunchContext<C>> permits CudaContext, OpenClContext {

  KernelVersions versions();

  Workspace workspace();

  /** The format that an op stores its activations in. */
  DType stored(Op op);

  /** The versions of a kernel in this context's language. */
  <O extends Op> List<Version<O, C>> of(Kernel<O> kernel);

  /** Why the driver does not run one of some launches. */
  Optional<Refusal> refused(Version<?, C> version, List<Command> commands);

  /** The context of an op whose kernels are compiled for its format. */
  C forFormat(DType format);

  /** One launch and what the driver says to it, as an error. */
  record Refusal(String kernel, String why, RuntimeException error) {}
}
