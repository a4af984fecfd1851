package dev.anneal.opencl;

import static dev.anneal.opencl.Argument.activations;
import static dev.anneal.opencl.Argument.data;
import static dev.anneal.opencl.Argument.integer;
import static dev.anneal.opencl.Argument.real;
import static dev.anneal.opencl.Argument.workspace;

import dev.anneal.plan.Op;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Launches of attention's three files, which are compiled for each head size. */
final class AttentionLaunches {
  /** Version 2: queries, or keys, of a work-group. */
  private static final int TOKENS = 64;

  /** Version 4: the most channels of a head, and lanes of a row. */
  private static final int LANES_HEAD = 128;

  private static final int LANES = 8;

  /** Version 3: tokens of a panel, and rows of a work-item. */
  private static final int PANEL = 32;

  private static final int ROWS = 8;

  private AttentionLaunches() {}

  private record Sizes(int batch, int t, int heads, int headSize) {
    static Sizes of(Shape out, int heads) {
      return new Sizes(out.dim(0), out.dim(1), heads, out.dim(2) / heads);
    }

    /** The file of a version, or with {@code 1} of what all versions share. */
    Source forward(int version) {
      return Source.ofHeads(version == 4 ? "attention_lanes" : "attention", headSize);
    }

    Source backward(int version) {
      return Source.ofHeads(version == 4 ? "attention_lanes" : "attention_backward", headSize);
    }

    /** What computes these sizes where {@code chosen} is: version 2 has heads of any size. */
    int version(int chosen) {
      return chosen == 4 && headSize > LANES_HEAD ? 2 : chosen;
    }

    /** Version 4: rows of a work-group, two to each eight lanes. */
    Grid lanes(int rows) {
      return Grid.groups(Math.ceilDiv(t, rows), allHeads(), rows / 2 * LANES, 1);
    }

    int channels() {
      return heads * headSize;
    }

    float scale() {
      return (float) (1 / Math.sqrt(headSize));
    }

    /** Heads of all sequences. */
    long allHeads() {
      return (long) batch * heads;
    }

    /** Pairs of query and head. */
    long queries() {
      return allHeads() * t;
    }

    int panels() {
      return Math.ceilDiv(t, PANEL);
    }

    /** Floats of one part of qkv, or of dOut, packed into panels. */
    long packedFloats() {
      return allHeads() * panels() * PANEL * headSize;
    }

    /** The work-items of a version that takes some queries, or keys, of each head. */
    Grid grid(int version, boolean backward, KernelVersions versions) {
      return switch (version) {
        case 1 -> Grid.items(queries(), versions.limits());
        case 2 -> Grid.groups(Math.ceilDiv(t, TOKENS), allHeads(), TOKENS, 1);
        case 4 -> lanes(backward && headSize > 64 ? 16 : 32);
        default -> Grid.single(Math.ceilDiv(t, ROWS), allHeads());
      };
    }

    /** What every version is told at the end; version 1 also the batch size. */
    List<Argument> numbers(int version) {
      List<Argument> rest = List.of(integer(t), integer(heads), real(scale()));
      return version == 1 ? with(List.of(integer(batch)), rest) : rest;
    }
  }

  private static List<Argument> with(List<Argument> some, List<Argument> more) {
    return Stream.concat(some.stream(), more.stream()).toList();
  }

  /** Packs the channels of each head from {@code offset} of rows {@code line} apart. */
  private static Launch pack(Source source, Sizes s, long to, Tensor from, int line, int offset) {
    return Launch.of(
        source,
        "pack_head_v3",
        Grid.single(s.panels(), s.allHeads()),
        workspace(to),
        activations(from),
        integer(s.t()),
        integer(s.heads()),
        integer(line),
        integer(offset));
  }

  static Launches forward(Op.AttentionForward op, KernelVersions versions) {
    Sizes s = Sizes.of(op.out().shape(), op.heads());
    int version = s.version(versions.of("attention_forward"));
    List<Argument> tensors =
        List.of(activations(op.out()), data(op.logSumExp()), activations(op.qkv()));
    if (version != 3) {
      return Launches.of(
          new Launch(
              s.forward(version),
              "attention_forward_v" + version,
              s.grid(version, false, versions),
              with(tensors, s.numbers(version))));
    }
    int c = s.channels();
    return Launches.of(
        s.packedFloats(),
        pack(s.forward(3), s, 0, op.qkv(), 3 * c, c),
        new Launch(
            s.forward(3),
            "attention_forward_v3",
            s.grid(version, false, versions),
            with(tensors, with(List.of(workspace(0)), s.numbers(version)))));
  }

  static Launches backward(Op.AttentionBackward op, KernelVersions versions) {
    Sizes s = Sizes.of(op.out().shape(), op.heads());
    int version = s.version(versions.of("attention_backward"));
    List<Launch> launches = new ArrayList<>();
    launches.add(
        Launch.of(
            s.backward(1),
            "attention_delta_v1",
            Grid.items(s.queries(), versions.limits()),
            data(op.delta()),
            activations(op.dOut()),
            activations(op.out()),
            integer(s.batch()),
            integer(s.t()),
            integer(s.heads())));
    List<Argument> tensors =
        List.of(
            activations(op.dQkv()),
            data(op.delta()),
            activations(op.dOut()),
            activations(op.qkv()),
            data(op.logSumExp()));
    Grid grid = s.grid(version, true, versions);
    if (version != 3) {
      for (String side : List.of("query", "key")) {
        launches.add(
            new Launch(
                s.backward(version),
                "attention_backward_" + side + "_v" + version,
                grid,
                with(tensors, s.numbers(version))));
      }
      return new Launches(launches, 0);
    }
    int c = s.channels();
    long part = s.packedFloats();
    launches.add(pack(s.backward(3), s, 0, op.qkv(), 3 * c, c));
    launches.add(pack(s.backward(3), s, part, op.qkv(), 3 * c, 2 * c));
    launches.add(both("query", s, grid, tensors, part));
    launches.add(pack(s.backward(3), s, 0, op.qkv(), 3 * c, 0));
    launches.add(pack(s.backward(3), s, part, op.dOut(), c, 0));
    launches.add(both("key", s, grid, tensors, part));
    return new Launches(launches, 2 * part);
  }

  /** Version 3 for one side, with the other side's two parts packed in the workspace. */
  private static Launch both(String side, Sizes s, Grid grid, List<Argument> tensors, long part) {
    return new Launch(
        s.backward(3),
        "attention_backward_" + side + "_v3",
        grid,
        with(tensors, with(List.of(workspace(0), workspace(part)), s.numbers(3))));
  }

  static Launches cached(Op.CachedAttention op, KernelVersions versions) {
    Sizes s = Sizes.of(op.out().shape(), op.heads());
    int c = s.channels();
    int room = op.keyCache().shape().dim(1);
    return Launches.of(
        Launch.of(
            s.forward(1),
            "append_to_caches_v1",
            Grid.items(c, (long) s.batch() * s.t(), versions.limits()),
            data(op.keyCache()),
            data(op.valueCache()),
            activations(op.qkv()),
            data(op.position()),
            integer(s.t()),
            integer(room),
            integer(c)),
        Launch.of(
            s.forward(1),
            "cached_attention_v1",
            Grid.items(s.queries(), versions.limits()),
            activations(op.out()),
            data(op.keyCache()),
            data(op.valueCache()),
            activations(op.qkv()),
            data(op.position()),
            integer(s.batch()),
            integer(s.t()),
            integer(room),
            integer(s.heads()),
            real(s.scale())));
  }
}
