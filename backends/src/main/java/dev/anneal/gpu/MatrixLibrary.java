package dev.anneal.gpu;

import dev.anneal.gpu.Command.Product;

/** Products of matrices by a library, together with what follows them. */
public interface MatrixLibrary extends AutoCloseable {

  /** As lists of devices name it. */
  String name();

  /**
   * Whether the library has an algorithm for a product with its epilogue, which is not slower than
   * a product and a kernel after it. Addresses do not matter.
   */
  default boolean does(Product product) {
    return false;
  }

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
