package dev.anneal.launch;

import static dev.anneal.launch.Argument.i32;
import static dev.anneal.launch.Argument.i64;
import static dev.anneal.launch.Place.data;

import dev.anneal.device.Suits;
import dev.anneal.device.Suits.Feature;
import dev.anneal.plan.Arena;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** The norm of all gradients: global_norm.cu; optimizer.cl and sum.cl. */
final class GlobalNorm {
  private static final KernelFile CUDA = KernelFile.of("global_norm.cu");
  private static final KernelFile OPENCL = KernelFile.of("optimizer");
  private static final KernelFile SUM = KernelFile.of("sum");
  private static final int THREADS = 256;
  private static final int SUM_THREADS = 1024;

  /** Elements whose squares are summed in one go, as in global_norm.cu. */
  private static final int TILE = 8192;

  /** The same, as in optimizer.cl. */
  private static final int OPENCL_TILE = 4096;

  static final Kernel<Op.GlobalNorm> KERNEL =
      new Kernel<>(
          "global_norm",
          Op.GlobalNorm.class,
          List.of(
              Version.of("plain: one launch per gradient", GlobalNorm::eachGradient),
              Version.of("one launch for all, 128-bit packs", GlobalNorm::allGradients)),
          List.of(
              Version.of(
                  "one launch per gradient, one work-item per tile of 4096 elements",
                  GlobalNorm::eachGradient),
              openCl(2, "for GPUs: one launch, one work-group per tile", Ideas.GPUS),
              openCl(
                  3, "for CPUs: one launch, one work-item per tile, in sixteen lanes", Ideas.CPUS),
              openCl(4, "for GPUs: v2, with the tiles' sums added by a work-group", Ideas.GPUS),
              openCl(
                  5,
                  "for GPUs with sub-groups: v4, sums by exchanges between lanes",
                  Ideas.SUB_GROUPS)));

  private GlobalNorm() {}

  private static Version<Op.GlobalNorm, OpenClContext> openCl(
      int version, String idea, Suits suits) {
    return Version.possibly(idea, suits, (op, context) -> allGradients(version, op, context));
  }

  private static long tiles(Tensor gradient, int tile) {
    return Math.ceilDiv(gradient.elements(), tile);
  }

  private static long tiles(List<Tensor> gradients, int tile) {
    return gradients.stream().mapToLong(gradient -> tiles(gradient, tile)).sum();
  }

  private static Launch root(Op.GlobalNorm op, Place partial, long tiles) {
    return Launch.of(
        CUDA, "norm_of_squares", Grid.of(1), SUM_THREADS, data(op.norm()), partial, i64(tiles));
  }

  private static List<Command> eachGradient(Op.GlobalNorm op, CudaContext context) {
    long tiles = tiles(op.gradients(), TILE);
    Place.Scratch partial = context.workspace().take(Float.BYTES * tiles);
    List<Command> commands = new ArrayList<>();
    long tile = 0;
    for (Tensor gradient : op.gradients()) {
      long own = tiles(gradient, TILE);
      commands.add(
          Launch.of(
              CUDA,
              "squares_v1",
              Grid.of(own),
              THREADS,
              partial.plus(Float.BYTES * tile),
              data(gradient),
              i64(gradient.elements())));
      tile += own;
    }
    commands.add(root(op, partial, tiles));
    return commands;
  }

  private static List<Command> allGradients(Op.GlobalNorm op, CudaContext context) {
    long tiles = tiles(op.gradients(), TILE);
    Place partial = context.scratch(Float.BYTES * tiles);
    return List.of(
        Launch.of(
            CUDA,
            "squares_v2",
            Grid.of(tiles),
            THREADS,
            partial,
            table(op),
            i32(op.gradients().size())),
        root(op, partial, tiles));
  }

  /** {@code struct Gradient} of global_norm.cu for each. */
  private static Place table(Op.GlobalNorm op) {
    List<Place.Word> words = new ArrayList<>();
    long tile = 0;
    for (Tensor gradient : op.gradients()) {
      words.add(new Place.Address(data(gradient)));
      words.add(new Place.Number(gradient.elements()));
      words.add(new Place.Number(tile));
      tile += tiles(gradient, TILE);
    }
    return new Place.Table(words);
  }

  private static Launch root(int version, Op.GlobalNorm op, Place partial, long tiles) {
    boolean group = version >= 4;
    return Launch.of(
        version == 5 ? SUM.needing(Feature.SUB_GROUPS) : SUM,
        "root_of_sum_v" + (group ? version : 1),
        group ? Grid.groups(1, 1, OpenClMachine.GROUP, 1) : Grid.of(1),
        data(op.norm()),
        partial,
        i64(tiles));
  }

  private static List<Command> eachGradient(Op.GlobalNorm op, OpenClContext context) {
    long tiles = tiles(op.gradients(), OPENCL_TILE);
    Place.Scratch partial = context.floats(tiles);
    List<Command> launches = new ArrayList<>();
    long tile = 0;
    for (Tensor gradient : op.gradients()) {
      long own = tiles(gradient, OPENCL_TILE);
      launches.add(
          Launch.of(
              OPENCL,
              "squares_v1",
              context.items(own),
              partial.plus(Float.BYTES * tile),
              data(gradient),
              i64(gradient.elements())));
      tile += own;
    }
    launches.add(root(1, op, partial, tiles));
    return launches;
  }

  /** A launch for each arena that gradients are in: one. None can go through several buffers. */
  private static Optional<List<Command>> allGradients(
      int version, Op.GlobalNorm op, OpenClContext context) {
    if (op.gradients().stream().anyMatch(gradient -> context.cut().test(gradient.arena()))) {
      return Optional.empty();
    }
    Map<Arena, List<Tensor>> byArena =
        op.gradients().stream()
            .collect(
                Collectors.groupingBy(
                    Tensor::arena, () -> new EnumMap<>(Arena.class), Collectors.toList()));
    long all = tiles(op.gradients(), OPENCL_TILE);
    Place.Scratch partial = context.floats(all);
    List<Command> launches = new ArrayList<>();
    long first = 0;
    for (List<Tensor> tensors : byArena.values()) {
      Place.Tiles tiles = new Place.Tiles(tensors, OPENCL_TILE);
      launches.add(
          Launch.of(
              version == 5 ? OPENCL.needing(Feature.SUB_GROUPS) : OPENCL,
              "squares_v" + version,
              version == 3
                  ? Grid.of(tiles.count())
                  : Grid.groups(tiles.count(), 1, OpenClMachine.GROUP, 1),
              partial.plus(Float.BYTES * first),
              new Place.ArenaOf(tensors.getFirst()),
              tiles));
      first += tiles.count();
    }
    launches.add(root(version, op, partial, all));
    return Optional.of(launches);
  }
}
