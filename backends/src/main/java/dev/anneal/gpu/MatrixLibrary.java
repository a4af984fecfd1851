package dev.anneal.gpu;

import dev.anneal.device.ProductAlgorithm;
import dev.anneal.launch.Product;
import dev.anneal.launch.ProductSupport;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Products of matrices by a library, together with what follows them. */
public interface MatrixLibrary extends ProductSupport, AutoCloseable {

  /**
   * Chooses an algorithm for each of a program's products, which it {@link #does}, on the memory
   * that the program will run on; that is as it was afterwards.
   *
   * @return whether there is one for all; the library no longer {@link #does} the others
   */
  default boolean choose(List<Product> products) {
    return true;
  }

  /** What products are done with from now on where it says so, as {@link #algorithms} had it. */
  default void use(Map<String, String> recorded) {}

  /** What was chosen so far. */
  default List<ProductAlgorithm> algorithms() {
    return List.of();
  }

  /** What a user should know of the choices, a line each. */
  default List<String> remarks() {
    return List.of();
  }

  /** What the library could not do so far and had been expected to, in a line. */
  Optional<String> refusal();

  /**
   * Makes a product ready to run many times: descriptors are filled here, once, and the algorithm
   * is the one of {@link #choose}, or the library's first.
   *
   * @throws dev.anneal.failure.Failure when the library has no algorithm for it
   */
  PreparedCommand prepare(Product product);

  @Override
  void close();
}
