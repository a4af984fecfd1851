package dev.anneal.terminal.live;

import dev.anneal.failure.Failure;
import dev.anneal.run.Activity;
import dev.anneal.terminal.text.Dashes;
import java.util.Deque;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;

/** What a dashboard has begun and does not wait for, and what came of it. */
final class BackgroundWork {
  private final Deque<Activity> going = new ConcurrentLinkedDeque<>();
  private final Queue<String> news = new ConcurrentLinkedQueue<>();

  /** Does something on a thread of its own; how it failed is news. */
  void begin(String what, Runnable work) {
    Activity activity = Activity.of(what);
    going.add(activity);
    Thread.ofPlatform()
        .daemon()
        .name("anneal-dashboard-work")
        .start(
            () -> {
              try {
                work.run();
              } catch (RuntimeException e) {
                say(reason(e));
              } finally {
                going.remove(activity);
              }
            });
  }

  /** One line on what failed. */
  static String reason(Throwable error) {
    return error instanceof Failure failure
        ? Dashes.in(failure)
        : Optional.ofNullable(error.getCause())
            .filter(Failure.class::isInstance)
            .map(Dashes::in)
            .orElseGet(error::toString);
  }

  void say(String line) {
    news.add(line);
  }

  /** The oldest news, once. */
  Optional<String> news() {
    return Optional.ofNullable(news.poll());
  }

  /** What was begun last and goes on. */
  Optional<Activity> activity() {
    return Optional.ofNullable(going.peekLast());
  }
}
