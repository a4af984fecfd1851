package dev.anneal.device;

import dev.anneal.plan.Op;
import java.util.List;
import java.util.stream.Stream;

/**
 * A kernel and its versions, all of which compute the same op.
 *
 * @param name as on the command line, e.g. {@code layernorm_forward}
 * @param op the kind of op that it computes
 * @param list its versions in order, from version 1, the plain one
 */
public record KernelFamily(String name, Class<? extends Op> op, List<KernelVersion> list) {
  public KernelFamily {
    list = List.copyOf(list);
    if (list.isEmpty()) {
      throw new IllegalArgumentException("kernel " + name + " has no version");
    }
  }

  /** One whose versions suit everything. */
  public static KernelFamily of(String name, Class<? extends Op> op, String... ideas) {
    return new KernelFamily(
        name, op, Stream.of(ideas).map(idea -> new KernelVersion(idea, Suits.ALL)).toList());
  }

  /** The number of the last version; version numbers begin with 1. */
  public int versions() {
    return list.size();
  }

  /** Version {@code number}, from 1. */
  public KernelVersion version(int number) {
    return list.get(number - 1);
  }

  /** What each version adds to the one before it, for people. */
  public List<String> ideas() {
    return list.stream().map(KernelVersion::idea).toList();
  }
}
