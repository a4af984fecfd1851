package dev.anneal.launch;

import static dev.anneal.launch.Argument.f32;
import static dev.anneal.launch.Argument.i32;
import static dev.anneal.launch.Place.activations;
import static dev.anneal.launch.Place.data;

import dev.anneal.launch.Attention.Sizes;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Causal self-attention: attention's three files, which are compiled for each head size. */
final class OpenClAttention {
  /** Version 2: queries, or keys, of a work-group. */
  private static final int TOKENS = 64;

  /** Version 4: lanes of a row. */
  private static final int LANES = 8;

  /** Version 3: tokens of a panel, and rows of a work-item. */
  private static final int PANEL = 32;

  private static final int ROWS = 8;

  private OpenClAttention() {}

  /** The file of a version, or with {@code 1} of what all versions share. */
  private static KernelFile forwardFile(int version, Sizes s) {
    return KernelFile.of(version == 4 ? "attention_lanes" : "attention").ofHeads(s.headSize());
  }

  private static KernelFile backwardFile(int version, Sizes s) {
    return KernelFile.of(version == 4 ? "attention_lanes" : "attention_backward")
        .ofHeads(s.headSize());
  }

  /** Version 4: rows of a work-group, two to each eight lanes. */
  private static Grid lanes(Sizes s, int rows) {
    return Grid.groups(Math.ceilDiv(s.t(), rows), s.allHeads(), rows / 2 * LANES, 1);
  }

  private static int panels(Sizes s) {
    return Math.ceilDiv(s.t(), PANEL);
  }

  /** Floats of one part of qkv, or of dOut, packed into panels. */
  private static long packedFloats(Sizes s) {
    return s.allHeads() * panels(s) * PANEL * s.headSize();
  }

  /** The work-items of a version that takes some queries, or keys, of each head. */
  private static Grid grid(int version, boolean backward, Sizes s, OpenClContext context) {
    return switch (version) {
      case 1 -> context.items(s.queries());
      case 2 -> Grid.groups(Math.ceilDiv(s.t(), TOKENS), s.allHeads(), TOKENS, 1);
      case 4 -> lanes(s, backward && s.headSize() > 64 ? 16 : 32);
      default -> Grid.of(Math.ceilDiv(s.t(), ROWS), s.allHeads());
    };
  }

  /** What every version is told at the end; version 1 also the batch size. */
  private static List<Argument> numbers(int version, Sizes s) {
    List<Argument> rest = List.of(i32(s.t()), i32(s.heads()), f32(s.scale()));
    return version == 1 ? with(List.of(i32(s.batch())), rest) : rest;
  }

  private static List<Argument> with(List<? extends Argument> some, List<? extends Argument> more) {
    return Stream.<Argument>concat(some.stream(), more.stream()).toList();
  }

  /** Packs the channels of each head from {@code offset} of rows {@code line} apart. */
  private static Launch pack(
      KernelFile file, Sizes s, Place to, Tensor from, int line, int offset) {
    return Launch.of(
        file,
        "pack_head_v3",
        Grid.of(panels(s), s.allHeads()),
        to,
        activations(from),
        i32(s.t()),
        i32(s.heads()),
        i32(line),
        i32(offset));
  }

  private static List<Argument> tensors(Op.AttentionForward op) {
    return List.of(activations(op.out()), data(op.logSumExp()), activations(op.qkv()));
  }

  static List<Command> forward(int version, Op.AttentionForward op, OpenClContext context) {
    Sizes s = Sizes.of(op);
    return List.of(
        Launch.of(
            forwardFile(version, s),
            "attention_forward_v" + version,
            grid(version, false, s, context),
            with(tensors(op), numbers(version, s))));
  }

  static List<Command> forwardPacked(Op.AttentionForward op, OpenClContext context) {
    Sizes s = Sizes.of(op);
    int c = s.channels();
    Place packed = context.floats(packedFloats(s));
    return List.of(
        pack(forwardFile(3, s), s, packed, op.qkv(), 3 * c, c),
        Launch.of(
            forwardFile(3, s),
            "attention_forward_v3",
            grid(3, false, s, context),
            with(tensors(op), with(List.of(packed), numbers(3, s)))));
  }

  private static Launch delta(Op.AttentionBackward op, OpenClContext context) {
    Sizes s = Sizes.of(op);
    return Launch.of(
        backwardFile(1, s),
        "attention_delta_v1",
        context.items(s.queries()),
        data(op.delta()),
        activations(op.dOut()),
        activations(op.out()),
        i32(s.batch()),
        i32(s.t()),
        i32(s.heads()));
  }

  private static List<Argument> tensors(Op.AttentionBackward op) {
    return List.of(
        activations(op.dQkv()),
        data(op.delta()),
        activations(op.dOut()),
        activations(op.qkv()),
        data(op.logSumExp()));
  }

  static List<Command> backward(int version, Op.AttentionBackward op, OpenClContext context) {
    Sizes s = Sizes.of(op);
    List<Command> launches = new ArrayList<>(List.of(delta(op, context)));
    for (String side : List.of("query", "key")) {
      launches.add(
          Launch.of(
              backwardFile(version, s),
              "attention_backward_" + side + "_v" + version,
              grid(version, true, s, context),
              with(tensors(op), numbers(version, s))));
    }
    return launches;
  }

  static List<Command> backwardPacked(Op.AttentionBackward op, OpenClContext context) {
    Sizes s = Sizes.of(op);
    KernelFile file = backwardFile(3, s);
    int c = s.channels();
    long part = packedFloats(s);
    Place.Scratch first = context.floats(2 * part);
    Place.Scratch second = first.plus(Float.BYTES * part);
    return List.of(
        delta(op, context),
        pack(file, s, first, op.qkv(), 3 * c, c),
        pack(file, s, second, op.qkv(), 3 * c, 2 * c),
        packed("query", op, s, List.of(first, second), context),
        pack(file, s, first, op.qkv(), 3 * c, 0),
        pack(file, s, second, op.dOut(), c, 0),
        packed("key", op, s, List.of(first, second), context));
  }

  /** Version 3 for one side, with the other side's two parts packed. */
  private static Launch packed(
      String side, Op.AttentionBackward op, Sizes s, List<Place> parts, OpenClContext context) {
    return Launch.of(
        backwardFile(3, s),
        "attention_backward_" + side + "_v3",
        grid(3, true, s, context),
        with(tensors(op), with(parts, numbers(3, s))));
  }
}
