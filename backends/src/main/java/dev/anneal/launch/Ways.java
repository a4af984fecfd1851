package dev.anneal.launch;

import dev.anneal.plan.Op;
import java.util.List;
import java.util.function.Function;

/** Finds the fastest of several ways to do an op, on a device that is there. */
public interface Ways {

  /**
   * A way to do an op.
   *
   * @param name says which it is, among those for one op on one device
   * @param version of the op's kernel that always does it so
   * @param commands for one who has scratch
   */
  record Way(String name, int version, Function<CudaContext, List<Command>> commands) {}

  /**
   * The fastest of {@code ways}, the first of which is taken where it cannot be found.
   *
   * @param about the op's sizes, in short
   */
  Way fastest(String kernel, String about, Op op, List<Way> ways, CudaContext context);
}
