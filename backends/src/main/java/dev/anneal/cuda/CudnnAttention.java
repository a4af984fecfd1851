package dev.anneal.cuda;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.AttentionLibrary;
import dev.anneal.gpu.PreparedCommand;
import dev.anneal.gpu.SharedLibrary;
import dev.anneal.launch.Command;
import dev.anneal.launch.FusedAttention;
import dev.anneal.launch.Place;
import dev.anneal.plan.DType;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Attention by NVIDIA's cuDNN 9: one plan per shape and direction, built when a program is first
 * measured, since only then its scratch is known. What cuDNN has no engine for that gives the same
 * bits every time stays with our own kernels.
 */
final class CudnnAttention implements AttentionLibrary {
  /** Channels of a head come in so many. */
  private static final int HEAD_MULTIPLE = 8;

  private static final int WIDEST_HEAD = 128;

  /** Before it, the sum for dQuery had to be zero at first. */
  private static final long CLEARS_ITSELF = 90600;

  /** Before it, infinity was no score to mask with. */
  private static final long MASKS_WITH_INFINITY = 91000;

  /** Bytes that parts of scratch are a multiple of. */
  private static final long ALIGNMENT = 256;

  private record Forward(CudnnAttentionGraph.Forward graph, CudnnPlan plan) {}

  private record Backward(CudnnAttentionGraph.Backward graph, CudnnPlan plan) {
    /** Of the sum that comes first in scratch. */
    long sumBytes() {
      long elements = graph.sum().map(sum -> sum.sizes().elements()).orElse(0L);
      return Math.ceilDiv(4 * elements, ALIGNMENT) * ALIGNMENT;
    }
  }

  /** Runs of an engine of which nothing is noted; and of one that may differ, and need not. */
  private static final int RUNS = 2;

  private static final int RUNS_OF_NOTED = 8;

  private final CudnnLibrary library;
  private final CudnnTrial trial;
  private final boolean deterministic;
  private final Arena arena = Arena.ofShared();
  private final Map<Shape, Optional<Forward>> forwards = new HashMap<>();
  private final Map<Way, Built> backwards = new LinkedHashMap<>();
  private Optional<String> refusal = Optional.empty();

  private record Way(Shape shape, Gradient gradient) {
    /** Whether another is of the same, in batches of any size. */
    boolean alike(Way other) {
      return shape.of(1).equals(other.shape.of(1));
    }
  }

  /** A backward pass, or why there is none; a shape that does not fit has neither. */
  private record Built(Optional<Backward> backward, Optional<CudnnException> why) {}

  /**
   * @param trial of engines
   * @param deterministic whether an engine must give the same bits every time; else the library's
   *     first one is taken
   * @throws CudnnException when the library does not start: it is for another driver, say
   * @throws dev.anneal.failure.Failure when a function is missing
   */
  CudnnAttention(
      SharedLibrary library, CudaStream stream, CudnnTrial trial, boolean deterministic) {
    this.library = new CudnnLibrary(library, stream);
    this.trial = trial;
    this.deterministic = deterministic;
  }

  @Override
  public String name() {
    return library.name();
  }

  @Override
  public Optional<String> refusal() {
    return refusal.or(this::backwardRefusal);
  }

  /** Of one way the other may be the reason that nobody misses it. */
  private Optional<String> backwardRefusal() {
    return backwards.entrySet().stream()
        .filter(entry -> entry.getValue().why().isPresent())
        .filter(
            entry ->
                backwards.entrySet().stream()
                    .noneMatch(
                        other ->
                            other.getKey().alike(entry.getKey())
                                && other.getValue().backward().isPresent()))
        .findFirst()
        .map(
            entry ->
                refused("backward", entry.getKey().shape(), entry.getValue().why().orElseThrow()));
  }

  @Override
  public Optional<String> known(String about) {
    return trial.known(about(about));
  }

  @Override
  public void keep(String about, String found) {
    trial.keep(about(about), found);
  }

  private String about(String what) {
    return name()
        + " "
        + library.version()
        + ", "
        + (deterministic ? "same bits" : "any bits")
        + ", "
        + what;
  }

  private boolean fits(Shape shape) {
    return (shape.format() == DType.BF16 || shape.format() == DType.F16)
        && shape.headSize() % HEAD_MULTIPLE == 0
        && shape.headSize() <= WIDEST_HEAD;
  }

  @Override
  public Optional<Scratch> forward(Shape shape) {
    return built(shape).map(built -> new Scratch(built.plan.workspaceBytes(), 0));
  }

  @Override
  public Optional<Scratch> backward(Shape shape, Gradient gradient) {
    return built(shape, gradient)
        .map(
            built ->
                new Scratch(
                    built.sumBytes() + built.plan.workspaceBytes(),
                    library.version() < CLEARS_ITSELF ? built.sumBytes() : 0));
  }

  private Optional<Forward> built(Shape shape) {
    return forwards.computeIfAbsent(
        shape,
        s -> {
          if (!fits(s)) {
            return Optional.empty();
          }
          try {
            CudnnAttentionGraph.Forward graph = CudnnAttentionGraph.forward(s);
            return Optional.of(
                new Forward(
                    graph,
                    CudnnPlan.first(
                        library,
                        graph.graph(),
                        engine -> repeats(s, new Forward(graph, engine.plan()), engine))));
          } catch (CudnnException e) {
            refuse("forward", s, e);
            return Optional.empty();
          }
        });
  }

  private Optional<Backward> built(Shape shape, Gradient gradient) {
    return backwards.computeIfAbsent(new Way(shape, gradient), this::build).backward();
  }

  private Built build(Way way) {
    if (!fits(way.shape())) {
      return new Built(Optional.empty(), Optional.empty());
    }
    try {
      CudnnAttentionGraph.Backward graph =
          CudnnAttentionGraph.backward(way.shape(), way.gradient() == Gradient.SUMMED);
      CudnnPlan plan =
          CudnnPlan.first(
              library,
              graph.graph(),
              engine -> repeats(way, new Backward(graph, engine.plan()), engine));
      return new Built(Optional.of(new Backward(graph, plan)), Optional.empty());
    } catch (CudnnException e) {
      return new Built(Optional.empty(), Optional.of(e));
    }
  }

  private boolean repeats(Shape shape, Forward built, CudnnPlan.Candidate engine) {
    long outputs = (long) shape.batch() * shape.tokens() * shape.heads() * shape.headSize();
    return repeats(
        "forward, " + shape,
        engine,
        buffers -> {
          int bytes = shape.format().bytes();
          return List.of(
              forward(
                  new FusedAttention.Forward(
                      shape,
                      Place.at(buffers.result(bytes * outputs)),
                      Place.at(buffers.result(Float.BYTES * outputs / shape.headSize())),
                      Place.at(buffers.random(shape.format(), 3 * outputs)),
                      Place.at(buffers.scratch(built.plan.workspaceBytes()))),
                  built));
        });
  }

  private boolean repeats(Way way, Backward built, CudnnPlan.Candidate engine) {
    Shape shape = way.shape();
    long outputs = (long) shape.batch() * shape.tokens() * shape.heads() * shape.headSize();
    boolean summed = built.sumBytes() > 0;
    return repeats(
        "backward, " + (summed ? "summed, " : "") + shape,
        engine,
        buffers -> {
          int bytes = shape.format().bytes();
          long rows = outputs / shape.headSize();
          long scratch =
              buffers.scratch(Math.max(1, built.sumBytes() + built.plan.workspaceBytes()));
          return List.of(
              trial
                  .driver()
                  .prepare(new Command.Clear(Place.at(scratch), Math.max(1, built.sumBytes()))),
              backward(
                  new FusedAttention.Backward(
                      shape,
                      way.gradient(),
                      Place.at(buffers.result(3 * bytes * outputs)),
                      Place.at(buffers.result(Float.BYTES * rows)),
                      Place.at(buffers.random(shape.format(), outputs)),
                      Place.at(buffers.random(shape.format(), 3 * outputs)),
                      Place.at(buffers.random(shape.format(), outputs)),
                      Place.at(buffers.alike(DType.F32, rows, Math.log(shape.tokens()))),
                      Place.at(scratch)),
                  built));
        });
  }

  /** Decided by bits, or where there is no memory for that, by what the library notes. */
  private boolean repeats(String what, CudnnPlan.Candidate engine, CudnnTrial.Run run) {
    return !deterministic
        || trial
            .repeats(
                name() + " " + library.version() + ", " + what + ", " + engine.name(),
                engine.noted() ? RUNS_OF_NOTED : RUNS,
                run)
            .orElse(!engine.noted());
  }

  private void refuse(String direction, Shape shape, CudnnException e) {
    refusal = refusal.or(() -> Optional.of(refused(direction, shape, e)));
  }

  private String refused(String direction, Shape shape, CudnnException e) {
    return name()
        + " does not do attention "
        + direction
        + ", "
        + shape
        + " ("
        + e.getMessage()
        + "); own kernels do";
  }

  @Override
  public PreparedCommand prepare(FusedAttention command) {
    PreparedCommand prepared =
        said(
            () ->
                switch (command) {
                  case FusedAttention.Forward c -> forward(c, built(c.shape()).orElseThrow());
                  case FusedAttention.Backward c ->
                      backward(c, built(c.shape(), c.gradient()).orElseThrow());
                });
    return () ->
        said(
            () -> {
              prepared.enqueue();
              return true;
            });
  }

  /** Where a plan was accepted, what the library refuses of it is an error. */
  private <T> T said(Supplier<T> call) {
    try {
      return call.get();
    } catch (CudnnException e) {
      throw new Failure(
          ExitCode.BACKEND,
          name()
              + " fails: "
              + e.getMessage()
              + "; what was saved before is whole, start again from the last checkpoint");
    }
  }

  private static float scale(Shape shape) {
    return (float) (1 / Math.sqrt(shape.headSize()));
  }

  private float masked() {
    return library.version() < MASKS_WITH_INFINITY ? -Float.MAX_VALUE : Float.NEGATIVE_INFINITY;
  }

  /** Bytes from queries to keys, and from keys to values. */
  private static long part(Shape shape) {
    return (long) shape.format().bytes() * shape.heads() * shape.headSize();
  }

  private PreparedCommand forward(FusedAttention.Forward c, Forward built) {
    CudnnAttentionGraph.Forward g = built.graph;
    long part = part(c.shape());
    return built.plan.prepare(
        Map.of(
            g.query(), c.qkv().address(),
            g.key(), c.qkv().address() + part,
            g.value(), c.qkv().address() + 2 * part,
            g.out(), c.out().address(),
            g.logSumExp(), c.logSumExp().address()),
        Map.of(g.scale(), scale(c.shape()), g.masked(), masked()),
        c.workspace().address(),
        arena);
  }

  private PreparedCommand backward(FusedAttention.Backward c, Backward built) {
    CudnnAttentionGraph.Backward g = built.graph;
    long part = part(c.shape());
    Map<CudnnGraph.Tensor, Long> addresses = new HashMap<>();
    addresses.put(g.query(), c.qkv().address());
    addresses.put(g.key(), c.qkv().address() + part);
    addresses.put(g.value(), c.qkv().address() + 2 * part);
    addresses.put(g.dQuery(), c.dQkv().address());
    addresses.put(g.dKey(), c.dQkv().address() + part);
    addresses.put(g.dValue(), c.dQkv().address() + 2 * part);
    addresses.put(g.out(), c.out().address());
    addresses.put(g.dOut(), c.dOut().address());
    addresses.put(g.logSumExp(), c.logSumExp().address());
    addresses.put(g.delta(), c.delta().address());
    g.sum().ifPresent(sum -> addresses.put(sum, c.workspace().address()));
    return built.plan.prepare(
        addresses,
        Map.of(g.scale(), scale(c.shape()), g.one(), 1f, g.masked(), masked()),
        c.workspace().address() + built.sumBytes(),
        arena);
  }

  /** Descriptors go with the process; they are a few hundred bytes each. */
  @Override
  public void close() {
    library.close();
    arena.close();
  }
}
