package dev.anneal.gpu;

import dev.anneal.gpu.Command.Product;
import java.util.Optional;

/** Products of matrices by a library, together with what follows them. */
public interface MatrixLibrary extends AutoCloseable {

  /** As lists of devices name it. */
  String name();

  /**
   * Whether the library has an algorithm for a product with its epilogue, which is not slower than
   * a product and a kernel after it. Where it has not, own kernels must do it. Addresses do not
   * matter.
   */
  boolean does(Product product);

  /** What the library could not do so far and had been expected to, in a line. */
  Optional<String> refusal();

  /**
   * Makes a product ready to run many times: descriptors are filled and the algorithm is chosen
   * here, once.
   *
   * @throws dev.anneal.failure.Failure when the library has no algorithm for it
   */
  PreparedCommand prepare(Product product);

  @Override
  void close();
}
