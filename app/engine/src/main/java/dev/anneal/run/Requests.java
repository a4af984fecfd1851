package dev.anneal.run;

import dev.anneal.failure.Exhausted;
import dev.anneal.failure.Failure;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Supplier;

/** What is asked of a run, by any thread, and done between two of its steps, in that order. */
final class Requests {
  private final BlockingQueue<Runnable> queue = new LinkedBlockingQueue<>();
  private final CompletableFuture<Void> closed = new CompletableFuture<>();

  /** To be done without an answer. */
  void add(Runnable action) {
    queue.add(action);
  }

  /**
   * To be done with an answer.
   *
   * @return the answer; fails as the action fails, or when nothing is done any more
   */
  <T> CompletableFuture<T> ask(Supplier<T> action) {
    CompletableFuture<T> answer = new CompletableFuture<>();
    queue.add(
        () -> {
          try {
            answer.complete(action.get());
          } catch (RuntimeException | Error e) {
            // Whoever asked is told; the thread must go on.
            answer.completeExceptionally(
                e instanceof VirtualMachineError exhausted ? Exhausted.of(exhausted) : e);
          }
        });
    failWhenClosed(answer);
    return answer;
  }

  /** What is waited for fails when nothing is done any more. */
  void failWhenClosed(CompletableFuture<?> awaited) {
    closed.whenComplete(
        (v, e) -> awaited.completeExceptionally(Failure.failed("the run is closed")));
  }

  boolean isEmpty() {
    return queue.isEmpty();
  }

  /** The next one, if there is one now. */
  Optional<Runnable> poll() {
    return Optional.ofNullable(queue.poll());
  }

  /** The next one, when there is one. */
  Runnable take() throws InterruptedException {
    return queue.take();
  }

  /** Nothing is done any more. */
  void close() {
    closed.complete(null);
  }

  void awaitClosed() {
    closed.join();
  }
}
