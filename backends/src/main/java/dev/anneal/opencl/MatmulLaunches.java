package dev.anneal.opencl;

import static dev.anneal.opencl.Argument.activations;
import static dev.anneal.opencl.Argument.data;
import static dev.anneal.opencl.Argument.flag;
import static dev.anneal.opencl.Argument.integer;
import static dev.anneal.opencl.Argument.workspace;

import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;

/**
 * Launches of matmul.cl, matmul_tiles.cl and matmul_units.cl, whose tile sizes are repeated here.
 */
final class MatmulLaunches {
  private static final Source MATMUL = Source.of("matmul");
  private static final Source TILES = Source.of("matmul_tiles");

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

  private MatmulLaunches() {}

  private record Sizes(int m, int n, int k) {
    static Sizes of(Tensor rows, Tensor weight) {
      return new Sizes(
          Math.toIntExact(rows.shape().rows()), weight.shape().dim(0), weight.shape().dim(1));
    }
  }

  static Launches forward(Op.MatmulForward op, KernelVersions versions) {
    Sizes s = Sizes.of(op.in(), op.weight());
    Argument in = activations(op.in());
    return switch (version("matmul_forward", op.in(), versions)) {
      case 5 -> units(forward("v5", units(s.n(), s.m(), versions), op, in, s), versions);
      case 1 -> Launches.of(forward("v1", Grid.items(s.n(), s.m(), versions.limits()), op, in, s));
      case 2 -> Launches.of(forward("v2", squares(s.n(), s.m()), op, in, s));
      case 4 -> Launches.of(forward("v4", tiles(s.n(), s.m()), op, in, s));
      default ->
          s.m() < FEW_ROWS
              ? Launches.of(forward("few_v3", Grid.items(s.n(), versions.limits()), op, in, s))
              : forwardPacked(op, s);
    };
  }

  private static Launches forwardPacked(Op.MatmulForward op, Sizes s) {
    long panels = Math.ceilDiv(s.m(), PANEL);
    return Launches.of(
        panels * PANEL * s.k(),
        Launch.of(
            MATMUL,
            "pack_lines_v3",
            Grid.single(Math.ceilDiv(s.k(), PACK_STEPS), panels),
            workspace(0),
            activations(op.in()),
            integer(s.m()),
            integer(s.k())),
        forward(
            "v3",
            Grid.single(Math.ceilDiv(s.n(), FORWARD_ROWS), Math.ceilDiv(panels, FORWARD_PANELS)),
            op,
            workspace(0),
            s));
  }

  private static Launch forward(
      String version, Grid grid, Op.MatmulForward op, Argument in, Sizes s) {
    return Launch.of(
        source(version),
        "matmul_forward_" + version,
        grid,
        activations(op.out()),
        in,
        data(op.weight()),
        data(op.bias().orElse(op.weight())),
        flag(op.bias().isPresent()),
        integer(s.m()),
        integer(s.n()),
        integer(s.k()));
  }

  /** Work-groups of version 2 over a result of {@code columns} times {@code rows}. */
  private static Grid squares(int columns, int rows) {
    return Grid.groups(Math.ceilDiv(columns, SIDE), Math.ceilDiv(rows, SIDE), ITEMS, ITEMS);
  }

  /** Work-groups of version 4. */
  private static Grid tiles(int columns, int rows) {
    return Grid.groups(Math.ceilDiv(columns, WIDE), Math.ceilDiv(rows, TALL), ITEMS, ITEMS);
  }

  /** Work-groups of version 5. */
  private static Grid units(int columns, int rows, KernelVersions versions) {
    return Grid.groups(
        Math.ceilDiv(columns, SIDE),
        Math.ceilDiv(rows, SIDE),
        versions.limits().matrixUnits().items(),
        1);
  }

  /** The same launch, compiled for the device's matrix units. */
  private static Launches units(Launch launch, KernelVersions versions) {
    return Launches.of(
        new Launch(
            Source.of(versions.limits().matrixUnits()),
            launch.kernel(),
            launch.grid(),
            launch.arguments()));
  }

  /** What computes these activations: matrix units multiply bf16, and version 4 is exact. */
  private static int version(String kernel, Tensor activations, KernelVersions versions) {
    int version = versions.of(kernel);
    return version == 5 && activations.dtype() != DType.BF16 ? 4 : version;
  }

  private static Source source(String version) {
    return version.equals("v4") ? TILES : MATMUL;
  }

  static Launches backwardInput(Op.MatmulBackwardInput op, KernelVersions versions) {
    Sizes s = Sizes.of(op.dOut(), op.weight());
    int version = version("matmul_backward_input", op.dOut(), versions);
    Grid grid =
        switch (version) {
          case 1 -> Grid.items(s.k(), s.m(), versions.limits());
          case 2 -> squares(s.k(), s.m());
          case 4 -> tiles(s.k(), s.m());
          case 5 -> units(s.k(), s.m(), versions);
          default -> Grid.single(Math.ceilDiv(s.k(), PANEL), Math.ceilDiv(s.m(), INPUT_ROWS));
        };
    Launch launch =
        Launch.of(
            source("v" + version),
            "matmul_backward_input_v" + version,
            grid,
            activations(op.dIn()),
            activations(op.dOut()),
            data(op.weight()),
            integer(s.m()),
            integer(s.n()),
            integer(s.k()));
    return version == 5 ? units(launch, versions) : Launches.of(launch);
  }

  static Launches backwardWeight(Op.MatmulBackwardWeight op, KernelVersions versions) {
    Sizes s = Sizes.of(op.dOut(), op.dWeight());
    Argument in = activations(op.in());
    return switch (version("matmul_backward_weight", op.in(), versions)) {
      case 5 -> units(backwardWeight("v5", units(s.k(), s.n(), versions), op, in, s), versions);
      case 1 ->
          Launches.of(backwardWeight("v1", Grid.items(s.k(), s.n(), versions.limits()), op, in, s));
      case 2 -> Launches.of(backwardWeight("v2", squares(s.k(), s.n()), op, in, s));
      case 4 -> Launches.of(backwardWeight("v4", tiles(s.k(), s.n()), op, in, s));
      default -> {
        long panels = Math.ceilDiv(s.k(), PANEL);
        yield Launches.of(
            panels * PANEL * s.m(),
            Launch.of(
                MATMUL,
                "pack_columns_v3",
                Grid.single(Math.ceilDiv(s.m(), PACK_STEPS), panels),
                workspace(0),
                activations(op.in()),
                integer(s.m()),
                integer(s.k())),
            backwardWeight(
                "v3", Grid.single(Math.ceilDiv(s.n(), WEIGHT_ROWS), 1), op, workspace(0), s));
      }
    };
  }

  private static Launch backwardWeight(
      String version, Grid grid, Op.MatmulBackwardWeight op, Argument in, Sizes s) {
    return Launch.of(
        source(version),
        "matmul_backward_weight_" + version,
        grid,
        data(op.dWeight()),
        activations(op.dOut()),
        in,
        integer(s.m()),
        integer(s.n()),
        integer(s.k()),
        flag(op.accumulate()));
  }
}
