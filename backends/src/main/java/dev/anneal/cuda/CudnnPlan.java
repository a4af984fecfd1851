package dev.anneal.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.anneal.gpu.HeaderConstant;
import dev.anneal.gpu.PreparedCommand;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.LongStream;

/**
 * A {@link CudnnGraph} that cuDNN has an engine for, built once per graph; it may be used in many
 * places.
 */
final class CudnnPlan {
  private static final HeaderConstant MODE_A = new HeaderConstant("CUDNN_HEUR_MODE_A", 3);
  private static final HeaderConstant FALLBACK = new HeaderConstant("CUDNN_HEUR_MODE_FALLBACK", 2);

  /** An engine with this note may give other bits every time. */
  private static final HeaderConstant NONDETERMINISTIC =
      new HeaderConstant("CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC", 4);

  /** More than there are kinds of notes. */
  private static final int MOST_NOTES = 16;

  private final CudnnLibrary library;
  private final MemorySegment plan;
  private final long workspaceBytes;

  private CudnnPlan(CudnnLibrary library, MemorySegment plan) {
    this.library = library;
    this.plan = plan;
    this.workspaceBytes = library.numbers(plan, CudnnAttribute.PLAN_WORKSPACE_BYTES, 1).getFirst();
  }

  /**
   * An engine that a plan was made with.
   *
   * @param name says which one it is, within one version of cuDNN and for one graph
   * @param noted whether the library notes of it that it may give other bits every time
   */
  record Candidate(CudnnPlan plan, String name, boolean noted) {}

  /**
   * The first engine of cuDNN's own choice that is {@code accepted}.
   *
   * @throws CudnnException when there is none
   */
  static CudnnPlan first(CudnnLibrary library, CudnnGraph graph, Predicate<Candidate> accepted) {
    String why = "";
    try (CudnnLowering lowering = new CudnnLowering(library)) {
      MemorySegment operations = lowering.lower(graph);
      for (HeaderConstant mode : List.of(MODE_A, FALLBACK)) {
        List<MemorySegment> configs = configs(library, lowering, operations, mode);
        for (int i = 0; i < configs.size(); i++) {
          MemorySegment plan = library.create(CudnnKind.EXECUTION_PLAN);
          try {
            library.set(plan, CudnnAttribute.PLAN_HANDLE, library.handle().address());
            library.set(plan, CudnnAttribute.PLAN_CONFIG, List.of(configs.get(i)));
            library.finish(CudnnKind.EXECUTION_PLAN, plan);
            Candidate candidate =
                candidate(library, lowering, configs.get(i), new CudnnPlan(library, plan), mode, i);
            if (accepted.test(candidate)) {
              return candidate.plan();
            }
          } catch (CudnnException e) {
            // This configuration does not compile here; the next may.
            why = "; " + e.getMessage();
          }
          library.destroy(plan);
        }
      }
    }
    throw new CudnnException("no engine gives the same bits every time" + why);
  }

  private static Candidate candidate(
      CudnnLibrary library,
      CudnnLowering lowering,
      MemorySegment config,
      CudnnPlan plan,
      HeaderConstant mode,
      int place) {
    MemorySegment engine = lowering.create(CudnnKind.ENGINE);
    library.fill(config, CudnnAttribute.CONFIG_ENGINE, List.of(engine));
    List<Long> notes = library.numbers(engine, CudnnAttribute.ENGINE_NOTES, MOST_NOTES);
    long index = library.numbers(engine, CudnnAttribute.ENGINE_INDEX, 1).getFirst();
    return new Candidate(
        plan,
        "engine " + index + ", " + mode.name() + " " + place,
        notes.contains((long) NONDETERMINISTIC.value()));
  }

  /** What cuDNN proposes for a graph, best first; nothing when it knows no such graph. */
  private static List<MemorySegment> configs(
      CudnnLibrary library, CudnnLowering lowering, MemorySegment operations, HeaderConstant mode) {
    MemorySegment heuristics = lowering.create(CudnnKind.ENGINE_HEURISTICS);
    library.set(heuristics, CudnnAttribute.HEURISTICS_GRAPH, List.of(operations));
    library.set(heuristics, CudnnAttribute.HEURISTICS_MODE, mode);
    try {
      library.finish(CudnnKind.ENGINE_HEURISTICS, heuristics);
      List<MemorySegment> configs =
          LongStream.range(0, library.count(heuristics, CudnnAttribute.HEURISTICS_RESULTS))
              .mapToObj(i -> lowering.create(CudnnKind.ENGINE_CONFIG))
              .toList();
      long found = library.fill(heuristics, CudnnAttribute.HEURISTICS_RESULTS, configs);
      return configs.subList(0, Math.toIntExact(Math.min(found, configs.size())));
    } catch (CudnnException e) {
      return List.of();
    }
  }

  /** Bytes of scratch that a run needs. */
  long workspaceBytes() {
    return workspaceBytes;
  }

  /**
   * Makes a run ready, which is then one call.
   *
   * @param addresses of all tensors in memory
   * @param numbers of all tensors on the host
   * @param arena what these live in as long as the command may be enqueued
   */
  PreparedCommand prepare(
      Map<CudnnGraph.Tensor, Long> addresses,
      Map<CudnnGraph.Tensor, Float> numbers,
      long workspace,
      Arena arena) {
    List<CudnnGraph.Tensor> tensors = new ArrayList<>();
    List<MemorySegment> pointers = new ArrayList<>();
    addresses.forEach(
        (tensor, address) -> {
          tensors.add(tensor);
          pointers.add(MemorySegment.ofAddress(address));
        });
    numbers.forEach(
        (tensor, number) -> {
          tensors.add(tensor);
          pointers.add(arena.allocateFrom(JAVA_FLOAT, number));
        });
    MemorySegment pack = library.create(CudnnKind.VARIANT_PACK);
    library.set(
        pack, CudnnAttribute.PACK_IDS, tensors.stream().mapToLong(CudnnGraph.Tensor::id).toArray());
    MemorySegment all = arena.allocate(ADDRESS, pointers.size());
    for (int i = 0; i < pointers.size(); i++) {
      all.setAtIndex(ADDRESS, i, pointers.get(i));
    }
    library.set(pack, CudnnAttribute.PACK_POINTERS, all);
    library.set(pack, CudnnAttribute.PACK_WORKSPACE, workspace);
    library.finish(CudnnKind.VARIANT_PACK, pack);
    return () -> library.execute(plan, pack);
  }
}
