package dev.anneal.gpu;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.launch.Command;
import dev.anneal.launch.CudaContext;
import dev.anneal.launch.Launch;
import dev.anneal.launch.Ways;
import dev.anneal.launch.Workspace;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Which of several ways to do an op is the fastest on this device: each is run on numbers of the
 * op's own sizes, in memory of its own, between two of the device's events. A device answers the
 * same question in the same way as long as it is open, and {@link KeptFindings} says for how long
 * beyond.
 */
final class WayTrial implements Ways {
  /** Runs that are timed, after one that is not; the shortest counts. */
  private static final int ROUNDS = 3;

  /** A way that takes so many times the fastest's time is not timed again. */
  private static final double HOPELESS = 2;

  private final Driver driver;
  private final Function<Command, PreparedCommand> prepare;
  private final KeptFindings kept;
  private final Map<String, String> decided = new HashMap<>();
  private final Map<String, Integer> versions = new HashMap<>();

  /**
   * @param kept what is known from earlier
   */
  WayTrial(Driver driver, Function<Command, PreparedCommand> prepare, KeptFindings kept) {
    this.driver = driver;
    this.prepare = prepare;
    this.kept = kept;
  }

  /** The versions that the last answers for each kernel come to, by the kernel's name. */
  synchronized Map<String, Integer> versions() {
    return Map.copyOf(versions);
  }

  @Override
  public synchronized Way fastest(
      String kernel, String about, Op op, List<Way> ways, CudaContext context) {
    String question =
        kernel
            + ", "
            + about
            + ": "
            + ways.stream().map(Way::name).collect(Collectors.joining("; "));
    String name =
        decided.computeIfAbsent(
            question,
            q ->
                kept.known(q)
                    .filter(known -> ways.stream().anyMatch(way -> way.name().equals(known)))
                    .orElseGet(() -> found(q, op, ways, context)));
    Way way = ways.stream().filter(w -> w.name().equals(name)).findFirst().orElseThrow();
    versions.put(kernel, way.version());
    return way;
  }

  private String found(String question, Op op, List<Way> ways, CudaContext context) {
    if (ways.size() == 1) {
      return ways.getFirst().name();
    }
    try (TrialMemory memory = new TrialMemory(driver)) {
      String name = ways.get(fastest(op, ways, context, memory)).name();
      kept.keep(question, name);
      return name;
    } catch (Failure e) {
      if (e.exitCode() == ExitCode.BACKEND) {
        throw e;
      }
      return ways.getFirst().name();
    }
  }

  private int fastest(Op op, List<Way> ways, CudaContext context, TrialMemory memory) {
    Map<Tensor, Long> places = new HashMap<>();
    for (Tensor tensor : op.tensors()) {
      places.put(
          tensor,
          op.reads().contains(tensor) && tensor.dtype() != DType.I32
              ? memory.random(tensor.dtype(), tensor.elements())
              : memory.scratch(tensor.bytes()));
    }
    List<Tried> tried = ways.stream().map(way -> Tried.of(way, context)).toList();
    long scratch =
        memory.scratch(Math.max(1, tried.stream().mapToLong(Tried::scratchBytes).max().orElse(0)));
    Binding binding = new Binding(places::get, List.of(), 0, scratch);
    List<List<PreparedCommand>> prepared =
        tried.stream()
            .map(way -> way.commands().stream().map(binding::bound).map(prepare).toList())
            .toList();
    float[] milliseconds = times(prepared);
    List<Float> all = Arrays.asList(boxed(milliseconds));
    return all.indexOf(Collections.min(all));
  }

  private static Float[] boxed(float[] values) {
    Float[] all = new Float[values.length];
    for (int i = 0; i < all.length; i++) {
      all[i] = values[i];
    }
    return all;
  }

  /** What a way does, and the scratch that it needs. */
  private record Tried(List<Command> commands, long scratchBytes) {
    /** A way has no constants: nobody would copy them. */
    static Tried of(Way way, CudaContext context) {
      Workspace measured = new Workspace(Workspace.ALIGNMENT);
      List<Command> commands =
          way.commands().apply(context.in(measured)).stream()
              .map(
                  command ->
                      command instanceof Launch launch ? launch.with(context.real()) : command)
              .toList();
      if (commands.isEmpty() || !Binding.constants(commands).isEmpty()) {
        throw new IllegalStateException(way.name() + " has constants, or nothing to do");
      }
      return new Tried(commands, measured.bytes());
    }
  }

  /** The shortest of each way. */
  private float[] times(List<List<PreparedCommand>> ways) {
    float[] best = new float[ways.size()];
    Arrays.fill(best, Float.POSITIVE_INFINITY);
    try (Driver.Events events = driver.events(2)) {
      ways.forEach(way -> way.forEach(PreparedCommand::enqueue));
      float least = Float.POSITIVE_INFINITY;
      for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < best.length; i++) {
          if (round > 0 && best[i] > HOPELESS * least) {
            continue;
          }
          events.record(0);
          ways.get(i).forEach(PreparedCommand::enqueue);
          events.record(1);
          driver.synchronize("trying ways to do an op");
          best[i] = Math.min(best[i], events.millisecondsAfter(0));
          least = Math.min(least, best[i]);
        }
      }
    }
    return best;
  }
}
