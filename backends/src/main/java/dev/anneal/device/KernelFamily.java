package dev.anneal.device;

import dev.anneal.plan.Op;
import java.util.List;

/**
 * A kernel and its versions, all of which compute the same op.
 *
 * @param name as on the command line, e.g. {@code layernorm_forward}
 * @param op the kind of op that it computes
 * @param ideas what each version adds to the one before it, from version 1, the plain one
 */
public record KernelFamily(String name, Class<? extends Op> op, List<String> ideas) {
  public KernelFamily {
    ideas = List.copyOf(ideas);
    if (ideas.isEmpty()) {
      throw new IllegalArgumentException("kernel " + name + " has no version");
    }
  }

  /** The number of the last version; version numbers begin with 1. */
  public int versions() {
    return ideas.size();
  }
}
