package dev.anneal.cuda;

import dev.anneal.gpu.AttentionLibrary;
import dev.anneal.gpu.Command;
import dev.anneal.gpu.PreparedCommand;
import dev.anneal.gpu.SharedLibrary;
import dev.anneal.plan.DType;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Attention by NVIDIA's cuDNN 9: one plan per shape and direction, built when a program is first
 * measured, since only then its scratch is known. What cuDNN has no deterministic engine for stays
 * with our own kernels.
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

  private final CudnnLibrary library;
  private final Arena arena = Arena.ofShared();
  private final Map<Shape, Optional<Forward>> forwards = new HashMap<>();
  private final Map<Shape, Optional<Backward>> backwards = new HashMap<>();
  private Optional<String> refusal = Optional.empty();

  CudnnAttention(SharedLibrary library, CudaStream stream) {
    this.library = new CudnnLibrary(library, stream);
  }

  /** Nothing when the library does not start: one for another driver, or with parts missing. */
  static Optional<AttentionLibrary> open(SharedLibrary library, CudaStream stream) {
    try {
      return Optional.of(new CudnnAttention(library, stream));
    } catch (CudnnException e) {
      return Optional.empty();
    }
  }

  @Override
  public String name() {
    return library.name();
  }

  @Override
  public Optional<String> refusal() {
    return refusal;
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
  public Optional<Scratch> backward(Shape shape) {
    return builtBackward(shape)
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
            return Optional.of(new Forward(graph, CudnnPlan.of(library, graph.graph())));
          } catch (CudnnException e) {
            refuse("forward", s, e);
            return Optional.empty();
          }
        });
  }

  private Optional<Backward> builtBackward(Shape shape) {
    return backwards.computeIfAbsent(
        shape,
        s -> {
          if (!fits(s)) {
            return Optional.empty();
          }
          // Without the sum first: on Hopper that is the one which is the same every time.
          for (boolean summed : new boolean[] {false, true}) {
            try {
              CudnnAttentionGraph.Backward graph = CudnnAttentionGraph.backward(s, summed);
              return Optional.of(new Backward(graph, CudnnPlan.of(library, graph.graph())));
            } catch (CudnnException e) {
              if (summed) {
                refuse("backward", s, e);
              }
            }
          }
          return Optional.empty();
        });
  }

  private void refuse(String direction, Shape shape, CudnnException e) {
    refusal =
        refusal.or(
            () ->
                Optional.of(
                    name()
                        + " does not do attention "
                        + direction
                        + ", "
                        + shape
                        + " ("
                        + e.getMessage()
                        + "); own kernels do"));
  }

  @Override
  public PreparedCommand prepare(Command.FusedAttention command) {
    return switch (command) {
      case Command.AttentionForward c -> forward(c, built(c.shape()).orElseThrow());
      case Command.AttentionBackward c -> backward(c, builtBackward(c.shape()).orElseThrow());
    };
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

  private PreparedCommand forward(Command.AttentionForward c, Forward built) {
    CudnnAttentionGraph.Forward g = built.graph;
    long part = part(c.shape());
    return built.plan.prepare(
        Map.of(
            g.query(), c.qkv(),
            g.key(), c.qkv() + part,
            g.value(), c.qkv() + 2 * part,
            g.out(), c.out(),
            g.logSumExp(), c.logSumExp()),
        Map.of(g.scale(), scale(c.shape()), g.masked(), masked()),
        c.workspace(),
        arena);
  }

  private PreparedCommand backward(Command.AttentionBackward c, Backward built) {
    CudnnAttentionGraph.Backward g = built.graph;
    long part = part(c.shape());
    Map<CudnnGraph.Tensor, Long> addresses = new HashMap<>();
    addresses.put(g.query(), c.qkv());
    addresses.put(g.key(), c.qkv() + part);
    addresses.put(g.value(), c.qkv() + 2 * part);
    addresses.put(g.dQuery(), c.dQkv());
    addresses.put(g.dKey(), c.dQkv() + part);
    addresses.put(g.dValue(), c.dQkv() + 2 * part);
    addresses.put(g.out(), c.out());
    addresses.put(g.dOut(), c.dOut());
    addresses.put(g.logSumExp(), c.logSumExp());
    addresses.put(g.delta(), c.delta());
    g.sum().ifPresent(sum -> addresses.put(sum, c.workspace()));
    return built.plan.prepare(
        addresses,
        Map.of(g.scale(), scale(c.shape()), g.one(), 1f, g.masked(), masked()),
        c.workspace() + built.sumBytes(),
        arena);
  }

  /** Descriptors go with the process; they are a few hundred bytes each. */
  @Override
  public void close() {
    library.close();
    arena.close();
  }
}
