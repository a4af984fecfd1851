package dev.anneal.device;

/**
 * A point in what a device was told, which can be waited for while it does what it was told later.
 */
public interface Mark extends AutoCloseable {

  /** Puts it after all that was enqueued so far. */
  void set();

  /**
   * Waits for what was enqueued before it was set last.
   *
   * @param doing what that is, for messages
   * @throws dev.anneal.failure.Failure when some of it failed
   */
  void await(String doing);

  @Override
  void close();

  /** Of a device that has done what it is told when the call returns. */
  static Mark passed() {
    return new Mark() {
      @Override
      public void set() {}

      @Override
      public void await(String doing) {}

      @Override
      public void close() {}
    };
  }
}
