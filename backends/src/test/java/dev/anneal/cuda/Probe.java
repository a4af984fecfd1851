package dev.anneal.cuda;

/**
 * What the backend finds, printed by a process that a test starts with an environment of its own.
 */
final class Probe {
  private Probe() {}

  public static void main(String[] args) {
    System.out.println(new CudaBackend().probe());
  }
}
