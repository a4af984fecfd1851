package dev.anneal.gpu;

import java.util.List;

/** A vendor's compiler as a library, for one kind of device. */
public interface KernelCompiler {

  /** What an image depends on beside its source: compiler, version, device, options. */
  List<String> identity();

  /**
   * Compiles {@code source}.
   *
   * @param options beside the compiler's own: definitions
   * @throws dev.anneal.failure.Failure with the compiler's first complaint when it does not compile
   */
  byte[] compile(KernelSource source, List<String> options);
}
