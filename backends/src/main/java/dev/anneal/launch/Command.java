package dev.anneal.launch;

import java.util.function.UnaryOperator;

/** One thing that a device is told to do, as data. */
public sealed interface Command permits Launch, Product, FusedAttention, Command.Clear {

  /** The same with every place put elsewhere, or bound. */
  Command at(UnaryOperator<Place> places);

  /** Sets bytes to zero. */
  record Clear(Place place, long bytes) implements Command {
    @Override
    public Clear at(UnaryOperator<Place> places) {
      return new Clear(places.apply(place), bytes);
    }
  }
}
