package dev.anneal;

import dev.anneal.run.LiveRun;
import dev.anneal.run.Run;
import dev.anneal.run.Session;
import dev.anneal.run.log.Event;
import java.util.Optional;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** The pieces of a sample, which the run's thread draws and a stream's reader takes. */
final class Pieces extends Spliterators.AbstractSpliterator<String> {
  private final BlockingQueue<Optional<String>> drawn = new LinkedBlockingQueue<>();
  private final AtomicBoolean closed = new AtomicBoolean();
  private final CompletableFuture<Integer> done;

  private Pieces(Session session, Run.Prompt prompt) {
    super(Long.MAX_VALUE, Spliterator.ORDERED | Spliterator.NONNULL);
    this.done =
        session.sample(
            prompt,
            event -> {
              if (event instanceof Event.SampleText(String text)) {
                drawn.add(Optional.of(text));
              }
            },
            closed::get);
    done.whenComplete((step, failure) -> drawn.add(Optional.empty()));
  }

  static Stream<String> of(Session session, Run.Prompt prompt) {
    Pieces pieces = new Pieces(session, prompt);
    return StreamSupport.stream(pieces, false).onClose(() -> pieces.closed.set(true));
  }

  @Override
  public boolean tryAdvance(Consumer<? super String> action) {
    try {
      Optional<String> piece = drawn.take();
      if (piece.isPresent()) {
        action.accept(piece.get());
        return true;
      }
      // For those who ask again.
      drawn.add(Optional.empty());
      LiveRun.await(done);
      return false;
    } catch (InterruptedException e) {
      closed.set(true);
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
