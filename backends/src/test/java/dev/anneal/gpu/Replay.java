package dev.anneal.gpu;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.anneal.ops.OpCases;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Launches that the double wrote down, run again under one of the compiler's sanitizers, with every
 * tensor in memory of its own and device memory as it was before each launch.
 *
 * @param sanitizer as {@code -fsanitize} takes it
 * @param ofFibers the option that the double's own threads are compiled with
 */
public record Replay(String sanitizer, String ofFibers) {
  /** Reads and writes beyond a tensor, and undefined arithmetic. */
  public static final Replay BOUNDS =
      new Replay("address,undefined", "-fsanitize=address,undefined");

  /** Races between threads that no barrier orders. */
  public static final Replay RACES = new Replay("thread", "-DANNEAL_RACES");

  private static final Map<Replay, Path> PROGRAMS = new ConcurrentHashMap<>();

  /** Elements of all tensors together that are few enough to be written down for each launch. */
  private static final long FEW = 30_000;

  /** Options of the double's compiler for kernels that are run so. */
  public List<String> options() {
    return List.of(ofFibers, "-fsanitize=" + sanitizer);
  }

  /**
   * Runs all launches of {@code record}.
   *
   * @param modules kernel files that were compiled with {@link #options}
   */
  public void check(Path record, List<Path> modules) throws IOException, InterruptedException {
    Path program = program();
    List<String> command =
        new ArrayList<>(List.of("timeout", "100", program.toString(), record.toString()));
    modules.forEach(module -> command.add(module.toString()));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("ASAN_OPTIONS", "detect_stack_use_after_return=0:detect_leaks=0");
    builder.environment().put("TSAN_OPTIONS", "exitcode=66:report_signal_unsafe=0");
    // A sanitizer has to come first.
    builder.environment().remove("LD_PRELOAD");
    Process process = builder.start();
    List<String> lines = process.inputReader().lines().toList();
    int code = process.waitFor();
    List<String> reports = lines.stream().filter(line -> !line.startsWith("replay: ")).toList();
    assertTrue(code == 0 && reports.size() == 1, () -> code + "\n" + String.join("\n", lines));
    assertTrue(reports.getFirst().endsWith(" launches"), reports.getFirst());
  }

  /** What runs launches under this sanitizer, built once for all that do. */
  private Path program() {
    return PROGRAMS.computeIfAbsent(
        this,
        replay -> {
          Path program = TestDouble.directory().resolve("replay-" + sanitizer);
          List<String> compiled =
              TestDouble.run(
                  TestDouble.directory(),
                  "sh",
                  "-c",
                  "g++ -std=c++17 -O1 -g1 %1$s -c -o '%2$s.replay.o' replay.cpp && g++ -std=c++17 -O1 -g1 %1$s -c -o '%2$s.fibers.o' fibers.cpp && g++ -rdynamic -fsanitize=%3$s -o '%2$s' '%2$s.replay.o' '%2$s.fibers.o' -ldl -lpthread"
                      .formatted(ofFibers, program, sanitizer));
          assumeTrue(
              compiled.isEmpty(), "g++ has no -fsanitize=" + sanitizer + " here: " + compiled);
          return program;
        });
  }

  private static long elements(OpRun run) {
    return run.op().tensors().stream().mapToLong(Tensor::elements).sum();
  }

  private static Stream<OpRun> all(DType real) {
    return real == DType.BF16
        ? GpuCases.sixteenBits()
        : Stream.concat(OpCases.all(), GpuCases.all());
  }

  /** The kinds of op that have a case in any size. */
  public static Set<Class<? extends Op>> kinds(DType real) {
    return all(real).map(run -> run.op().getClass()).collect(Collectors.toSet());
  }

  /** Of each kind of op the smallest case and the largest two that are small enough. */
  public static List<OpRun> cases(DType real) {
    Map<Class<? extends Op>, List<OpRun>> byKind = new HashMap<>();
    all(real)
        .filter(run -> elements(run) <= FEW)
        .sorted(Comparator.comparingLong(Replay::elements))
        .forEach(
            run -> byKind.computeIfAbsent(run.op().getClass(), k -> new ArrayList<>()).add(run));
    List<OpRun> chosen = new ArrayList<>();
    for (List<OpRun> runs : byKind.values()) {
      chosen.add(runs.getFirst());
      chosen.addAll(runs.subList(Math.max(1, runs.size() - 2), runs.size()));
    }
    return chosen;
  }
}
