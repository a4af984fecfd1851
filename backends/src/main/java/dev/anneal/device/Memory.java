package dev.anneal.device;

/** The memory of one arena on one device. */
public interface Memory extends AutoCloseable {

  long bytes();

  @Override
  void close();
}
