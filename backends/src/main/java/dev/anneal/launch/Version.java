package dev.anneal.launch;

import dev.anneal.device.KernelVersion;
import dev.anneal.device.Suits;
import dev.anneal.plan.Op;
import java.util.List;
import java.util.Optional;
import java.util.function.BiPredicate;
import java.util.function.UnaryOperator;

/**
 * One version of a layer's kernel in one language.
 *
 * @param idea what it adds to the one before it, for people, given the name of the library that it
 *     needs
 * @param suits what it is made for
 * @param launching how an op is launched by it
 */
record Version<O extends Op, C>(
    UnaryOperator<String> idea, Suits suits, Launching<O, C> launching) {

  /** What an op is launched with; nothing where this version cannot, for reasons of its own. */
  @FunctionalInterface
  interface Launching<O extends Op, C> {
    Optional<List<Command>> of(O op, C context);
  }

  /** The same for one that can compute all that it suits. */
  @FunctionalInterface
  interface Always<O extends Op, C> {
    List<Command> of(O op, C context);
  }

  /** One that computes all that it suits. */
  static <O extends Op, C> Version<O, C> of(String idea, Suits suits, Always<O, C> launching) {
    return possibly(idea, suits, (op, context) -> Optional.of(launching.of(op, context)));
  }

  /** The same for every device, format and size. */
  static <O extends Op, C> Version<O, C> of(String idea, Always<O, C> launching) {
    return of(idea, Suits.ALL, launching);
  }

  /** What versions with the same arguments are launched with, by their number. */
  @FunctionalInterface
  interface Numbered<O extends Op, C> {
    List<Command> of(int version, O op, C context);
  }

  /** Version {@code number} of those with the same arguments. */
  static <O extends Op, C> Version<O, C> numbered(
      int number, String idea, Suits suits, Numbered<O, C> launching) {
    return of(idea, suits, (op, context) -> launching.of(number, op, context));
  }

  /** The same for every device, format and size. */
  static <O extends Op, C> Version<O, C> numbered(
      int number, String idea, Numbered<O, C> launching) {
    return numbered(number, idea, Suits.ALL, launching);
  }

  /** One that leaves some of what it suits to the version before it. */
  static <O extends Op, C> Version<O, C> possibly(
      String idea, Suits suits, Launching<O, C> launching) {
    return new Version<>(any -> idea, suits, launching);
  }

  /** One that computes what a condition holds for. */
  static <O extends Op, C> Version<O, C> where(
      String idea, BiPredicate<O, C> can, Always<O, C> launching) {
    return possibly(
        idea,
        Suits.ALL,
        (op, context) ->
            can.test(op, context) ? Optional.of(launching.of(op, context)) : Optional.empty());
  }

  /** One that differs from the version before it only in what it does together with a neighbour. */
  static <O extends Op, C> Version<O, C> together(String idea) {
    return possibly(idea, Suits.ALL, (op, context) -> Optional.empty());
  }

  KernelVersion described(Machine machine) {
    return new KernelVersion(idea.apply(machine.library(suits)), suits);
  }
}
