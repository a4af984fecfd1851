package dev.anneal.gpu;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;

/**
 * Runs what may call a vendor's compiler (NVRTC, the one within a driver, cuDNN's) on a thread with
 * the stack that such compilers are tried on: they go deeper than a thread of the JVM lets them,
 * and then end the process.
 */
final class LargeStack {
  private static final long BYTES = 16L << 20;

  private LargeStack() {}

  /** The result of {@code work}, or what it throws. */
  static <T> T call(Supplier<T> work) {
    CompletableFuture<T> result = new CompletableFuture<>();
    Thread thread =
        new Thread(
            null,
            () -> {
              try {
                result.complete(work.get());
              } catch (RuntimeException | Error e) {
                result.completeExceptionally(e);
              }
            },
            "anneal-compile",
            BYTES);
    thread.setDaemon(true);
    thread.start();
    try {
      return result.join();
    } catch (CompletionException e) {
      throw SharedLibrary.rethrown(e.getCause() == null ? e : e.getCause());
    }
  }
}
