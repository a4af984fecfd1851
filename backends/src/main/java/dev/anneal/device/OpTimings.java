package dev.anneal.device;

import dev.anneal.plan.Op;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Where a program's time went.
 *
 * @param ops the plan's ops
 * @param nanos nanoseconds of each op, summed over {@code runs} runs
 */
public record OpTimings(List<Op> ops, long[] nanos, long runs) {

  /** Nanoseconds per kind of op, summed over all runs. */
  public Map<String, Long> byKind() {
    Map<String, Long> sums = new TreeMap<>();
    for (int i = 0; i < nanos.length; i++) {
      sums.merge(ops.get(i).kind(), nanos[i], Long::sum);
    }
    return sums;
  }

  public long totalNanos() {
    long sum = 0;
    for (long n : nanos) {
      sum += n;
    }
    return sum;
  }
}
