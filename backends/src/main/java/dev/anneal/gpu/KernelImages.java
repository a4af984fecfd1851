package dev.anneal.gpu;

import dev.anneal.plan.DType;
import java.util.List;

/** Where machine code for the kernel files comes from. */
@FunctionalInterface
public interface KernelImages {

  /**
   * The image of {@code file} with tensors in format {@code real}.
   *
   * @throws dev.anneal.failure.Failure when there is none and nothing to make it with, or it does
   *     not compile
   */
  byte[] image(String file, DType real);

  /** What the kernel files are told of their tensors' format. */
  static List<String> definitions(DType real) {
    return real == DType.BF16 ? List.of("-DANNEAL_BF16") : List.of();
  }
}
