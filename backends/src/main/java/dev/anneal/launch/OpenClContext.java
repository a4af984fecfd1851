package dev.anneal.launch;

import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * What the launches of an op are made with in OpenCL.
 *
 * @param cut the arenas that are in several buffers, which one launch cannot go through
 * @param trial why the driver does not run a kernel; nothing where it does
 */
public record OpenClContext(
    OpenClMachine machine,
    KernelVersions versions,
    Workspace workspace,
    Predicate<Arena> cut,
    Function<Launch, Optional<Refusal>> trial)
    implements LaunchContext<OpenClContext> {
  /** Scratch is one buffer of floats. */
  public static final long ALIGNMENT = Float.BYTES;

  /** Where nothing is tried, and every arena is in one buffer. */
  public OpenClContext(OpenClMachine machine, KernelVersions versions) {
    this(machine, versions, new Workspace(ALIGNMENT), arena -> false, launch -> Optional.empty());
  }

  @Override
  public <O extends Op> List<Version<O, OpenClContext>> of(Kernel<O> kernel) {
    return kernel.openCl();
  }

  @Override
  public DType stored(Op op) {
    return OpFormats.stored(op);
  }

  @Override
  public OpenClContext forFormat(DType format) {
    return this;
  }

  @Override
  public Optional<Refusal> refused(Version<?, OpenClContext> version, List<Command> commands) {
    return commands.stream().flatMap(command -> trial.apply((Launch) command).stream()).findFirst();
  }

  Place.Scratch floats(long count) {
    return workspace.take(Float.BYTES * count);
  }

  Grid items(long n) {
    return machine.items(n);
  }

  Grid items(long columns, long rows) {
    return machine.items(columns, rows);
  }
}
