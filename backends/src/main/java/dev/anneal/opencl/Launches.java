package dev.anneal.opencl;

import java.util.List;

/** How one op is computed: launches in order, and the floats of workspace that they share. */
record Launches(List<Launch> list, long workspaceFloats) {
  Launches {
    list = List.copyOf(list);
  }

  /** The same, none of which has more work than {@code all}. */
  Launches with(Work all) {
    return new Launches(list.stream().map(each -> each.with(all)).toList(), workspaceFloats);
  }

  static Launches of(Launch... launches) {
    return new Launches(List.of(launches), 0);
  }

  static Launches of(long workspaceFloats, Launch... launches) {
    return new Launches(List.of(launches), workspaceFloats);
  }
}
