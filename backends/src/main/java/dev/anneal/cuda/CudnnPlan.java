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
   * The first engine of cuDNN's own choice that gives the same bits every time.
   *
   * @throws CudnnException when there is none
   */
  static CudnnPlan of(CudnnLibrary library, CudnnGraph graph) {
    try (CudnnLowering lowering = new CudnnLowering(library)) {
      MemorySegment operations = lowering.lower(graph);
      for (HeaderConstant mode : List.of(MODE_A, FALLBACK)) {
        for (MemorySegment config : configs(library, lowering, operations, mode)) {
          if (deterministic(library, lowering, config)) {
            MemorySegment plan = library.create(CudnnKind.EXECUTION_PLAN);
            try {
              library.set(plan, CudnnAttribute.PLAN_HANDLE, library.handle().address());
              library.set(plan, CudnnAttribute.PLAN_CONFIG, List.of(config));
              library.finish(CudnnKind.EXECUTION_PLAN, plan);
              return new CudnnPlan(library, plan);
            } catch (CudnnException e) {
              // This configuration does not compile here; the next may.
              library.destroy(plan);
            }
          }
        }
      }
    }
    throw new CudnnException("there is no deterministic engine");
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

  private static boolean deterministic(
      CudnnLibrary library, CudnnLowering lowering, MemorySegment config) {
    MemorySegment engine = lowering.create(CudnnKind.ENGINE);
    library.fill(config, CudnnAttribute.CONFIG_ENGINE, List.of(engine));
    return !library
        .numbers(engine, CudnnAttribute.ENGINE_NOTES, MOST_NOTES)
        .contains((long) NONDETERMINISTIC.value());
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
