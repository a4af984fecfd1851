package dev.anneal.launch;

import static dev.anneal.launch.Argument.i32;
import static dev.anneal.launch.Place.activations;
import static dev.anneal.launch.Place.data;

import dev.anneal.device.Suits.Feature;
import dev.anneal.launch.Matmul.Sizes;
import dev.anneal.plan.Op;
import java.util.List;

/**
 * The three products of a linear layer: matmul.cl, matmul_tiles.cl and matmul_units.cl, whose tile
 * sizes are repeated here.
 */
final class OpenClMatmul {
  private static final KernelFile FILE = KernelFile.of("matmul");
  private static final KernelFile TILES = KernelFile.of("matmul_tiles");
  private static final KernelFile UNITS =
      KernelFile.of("matmul_units").needing(Feature.MATRIX_UNITS);

  /** Version 2: elements of the result along a side of a work-group's square. */
  private static final int SIDE = 64;

  private static final int ITEMS = 16;

  /** Version 4: rows and columns of the result of a work-group. */
  private static final int TALL = 128;

  private static final int WIDE = 64;

  /** Version 3: lanes of a panel, and steps that one work-item packs. */
  private static final int PANEL = 32;

  private static final int PACK_STEPS = 16;
  private static final int FORWARD_ROWS = 32;
  private static final int FORWARD_PANELS = 8;
  private static final int FEW_ROWS = 4;
  private static final int INPUT_ROWS = 256;
  private static final int WEIGHT_ROWS = 32;

  private OpenClMatmul() {}

  private static KernelFile file(int version) {
    return switch (version) {
      case 4 -> TILES;
      case 5 -> UNITS;
      default -> FILE;
    };
  }

  /** The work-items of all versions but the third over a result. */
  private static Grid grid(int version, int columns, int rows, OpenClContext context) {
    return switch (version) {
      case 1 -> context.items(columns, rows);
      case 2 -> Grid.groups(Math.ceilDiv(columns, SIDE), Math.ceilDiv(rows, SIDE), ITEMS, ITEMS);
      case 4 -> Grid.groups(Math.ceilDiv(columns, WIDE), Math.ceilDiv(rows, TALL), ITEMS, ITEMS);
      case 5 ->
          Grid.groups(
              Math.ceilDiv(columns, SIDE),
              Math.ceilDiv(rows, SIDE),
              context.machine().unitItems(),
              1);
      default -> throw new IllegalArgumentException("version " + version);
    };
  }

  static List<Command> forward(int version, Op.MatmulForward op, OpenClContext context) {
    Sizes s = Sizes.of(op);
    return List.of(
        forward(
            file(version),
            "v" + version,
            grid(version, s.n(), s.m(), context),
            op,
            activations(op.in())));
  }

  static List<Command> forwardPacked(Op.MatmulForward op, OpenClContext context) {
    Sizes s = Sizes.of(op);
    if (s.m() < FEW_ROWS) {
      return List.of(forward(FILE, "few_v3", context.items(s.n()), op, activations(op.in())));
    }
    long panels = Math.ceilDiv(s.m(), PANEL);
    Place packed = context.floats(panels * PANEL * s.k());
    return List.of(
        Launch.of(
            FILE,
            "pack_lines_v3",
            Grid.of(Math.ceilDiv(s.k(), PACK_STEPS), panels),
            packed,
            activations(op.in()),
            i32(s.m()),
            i32(s.k())),
        forward(
            FILE,
            "v3",
            Grid.of(Math.ceilDiv(s.n(), FORWARD_ROWS), Math.ceilDiv(panels, FORWARD_PANELS)),
            op,
            packed));
  }

  private static Launch forward(
      KernelFile file, String version, Grid grid, Op.MatmulForward op, Place in) {
    Sizes s = Sizes.of(op);
    return Launch.of(
        file,
        "matmul_forward_" + version,
        grid,
        activations(op.out()),
        in,
        data(op.weight()),
        data(op.bias().orElse(op.weight())),
        i32(op.bias().isPresent()),
        i32(s.m()),
        i32(s.n()),
        i32(s.k()));
  }

  static List<Command> backwardInput(
      int version, Op.MatmulBackwardInput op, OpenClContext context) {
    Sizes s = Sizes.of(op);
    return List.of(
        Launch.of(
            file(version),
            "matmul_backward_input_v" + version,
            version == 3
                ? Grid.of(Math.ceilDiv(s.k(), PANEL), Math.ceilDiv(s.m(), INPUT_ROWS))
                : grid(version, s.k(), s.m(), context),
            activations(op.dIn()),
            activations(op.dOut()),
            data(op.weight()),
            i32(s.m()),
            i32(s.n()),
            i32(s.k())));
  }

  static List<Command> backwardWeight(
      int version, Op.MatmulBackwardWeight op, OpenClContext context) {
    Sizes s = Sizes.of(op);
    return List.of(
        backwardWeight(version, grid(version, s.k(), s.n(), context), op, activations(op.in())));
  }

  static List<Command> backwardWeightPacked(Op.MatmulBackwardWeight op, OpenClContext context) {
    Sizes s = Sizes.of(op);
    long panels = Math.ceilDiv(s.k(), PANEL);
    Place packed = context.floats(panels * PANEL * s.m());
    return List.of(
        Launch.of(
            FILE,
            "pack_columns_v3",
            Grid.of(Math.ceilDiv(s.m(), PACK_STEPS), panels),
            packed,
            activations(op.in()),
            i32(s.m()),
            i32(s.k())),
        backwardWeight(3, Grid.of(Math.ceilDiv(s.n(), WEIGHT_ROWS)), op, packed));
  }

  private static Launch backwardWeight(
      int version, Grid grid, Op.MatmulBackwardWeight op, Place in) {
    Sizes s = Sizes.of(op);
    return Launch.of(
        file(version),
        "matmul_backward_weight_v" + version,
        grid,
        data(op.dWeight()),
        activations(op.dOut()),
        in,
        i32(s.m()),
        i32(s.n()),
        i32(s.k()),
        i32(op.accumulate()));
  }
}
