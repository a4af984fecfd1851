package dev.anneal.run;

import dev.anneal.failure.Spelling;
import dev.anneal.run.log.Event;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Those who hear what a run does; any thread may join or leave. */
final class Listeners {
  private final List<Event.Listener> all = new CopyOnWriteArrayList<>();
  private volatile Spelling spelling = Spelling.PLAIN;

  Listeners(List<Event.Listener> first) {
    all.addAll(first);
  }

  void add(Event.Listener listener) {
    all.add(listener);
  }

  void remove(Event.Listener listener) {
    all.remove(listener);
  }

  /** How failures and warnings write the names of settings from now on. */
  void spell(Spelling as) {
    spelling = as;
  }

  String spelled(String text) {
    return spelling.spell(text);
  }

  /** Tells all. */
  void tell(Event marked) {
    Event event = marked.spelled(spelling);
    for (Event.Listener listener : all) {
      try {
        listener.on(event);
      } catch (RuntimeException e) {
        // Whoever cannot show an event, as on a terminal that is gone, does not end the run.
        all.remove(listener);
      }
    }
  }
}
