package dev.anneal.device;

import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Bytes that commands move, from the tensors that they are given and what their ops do with those.
 * Every tensor counts once per command that has it, with its whole size: what is read again and
 * again while it is in a cache costs little, and what is never read again is written all the same.
 *
 * @param readBytes of tensors from before the command
 * @param writtenBytes of its results
 */
public record Traffic(long readBytes, long writtenBytes) {

  /**
   * Of each command of some ops that follow each other.
   *
   * @param ops in order
   * @param commands the tensors of the ops that each has, in order
   */
  public static List<Traffic> of(List<Op> ops, List<Set<Tensor>> commands) {
    Set<Tensor> written = new HashSet<>();
    Set<Tensor> fromOutside = new HashSet<>();
    for (Op op : ops) {
      op.reads().stream().filter(tensor -> !written.contains(tensor)).forEach(fromOutside::add);
      written.addAll(op.writes());
      if (op instanceof Op.ParameterGradient gradient && gradient.accumulate()) {
        fromOutside.addAll(op.writes());
      }
    }
    Set<Tensor> done = new HashSet<>();
    List<Traffic> traffic = new ArrayList<>();
    for (Set<Tensor> tensors : commands) {
      long reads = 0;
      long writes = 0;
      for (Tensor tensor : tensors) {
        // What an earlier command of these ops has written, a later one wants to read.
        boolean later = written.contains(tensor) && done.contains(tensor);
        reads += fromOutside.contains(tensor) || later ? touched(ops, tensor) : 0;
        writes += written.contains(tensor) && !later ? touched(ops, tensor) : 0;
      }
      done.addAll(tensors);
      traffic.add(new Traffic(reads, writes));
    }
    return traffic;
  }

  /** As much as the first op has to do with, even of what others of them have. */
  private static long touched(List<Op> ops, Tensor tensor) {
    return ops.getFirst().touchedBytes(tensor);
  }

  public Traffic plus(long moreRead, long moreWritten) {
    return new Traffic(readBytes + moreRead, writtenBytes + moreWritten);
  }
}
