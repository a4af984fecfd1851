package dev.anneal.launch;

/** What a library of matrices says it can do. */
public interface ProductSupport {

  /** As lists of devices name it. */
  String name();

  /**
   * Whether the library has an algorithm for a product with its epilogue, which is not slower than
   * a product and a kernel after it. Where it has not, own kernels must do it. Of addresses, what
   * they are multiples of may matter.
   */
  boolean does(Product product);
}
